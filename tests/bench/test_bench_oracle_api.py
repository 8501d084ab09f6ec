"""The oracle's API under load: two hundred readers over HTTP, and a thousand who listen to the stream.

HTTP goes through the gateway, two containers, Redis and Postgres, on the same cores as the readers (`price_readers.py`,
a program of its own). Half of the readers of the open loop have keys, half are visitors; in the closed loop all have
keys, because nobody else may ask so often. The peer answers from memory, in one process, whoever asks.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from functions.oracle.adapters.candles import Candles
from functions.oracle.adapters.latest import LatestPrices
from functions.oracle.adapters.publication import Publication
from functions.oracle.adapters.repository import Repository, StoredAggregate
from functions.oracle.core.feeds import Feed
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.wiring import ROLE
from infra.local import ports
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.cloud import LocalCloud
from infra.local.flare.feeds import mainnet_feeds
from infra.local.redis import RedisRest
from infra.local.runner.runner import Runner
from kernel.auth import ApiKeys, Role, Tier
from kernel.cache import UpstashCache
from kernel.clock import SystemClock
from kernel.ids import new_id
from kernel.postgres import Postgres
from kernel.upstash import Upstash
from tests.bench import processors
from tests.integration.realtime.listeners import House, Listener, ops_stack

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
READERS, PER_SECOND, SECONDS, CONTAINERS, PATIENCE_S = 200, 200, 30, 2, 120
LISTENERS, ROUNDS = 1_000, 5
SYMBOLS: Final = [feed.name for feed in mainnet_feeds()]
SOURCES: Final = [f"venue{number}" for number in range(10)]
CHARTED: Final = SYMBOLS[:4]
WARM: Final = (
    ("boto3", "psycopg", "pydantic", "aws_lambda_powertools", "upstash_redis", "upstash_ratelimit"),
    ("fastapi", "mangum", "functions.oracle.http_prices"),
)
ORACLE: Final = {
    "COUNTERPART_ORACLE_NETWORK": "local",
    "COUNTERPART_ORACLE_CHAIN_ID": "31337",
    "COUNTERPART_ORACLE_RPC_URLS": "plain:http://127.0.0.1:1",
    "COUNTERPART_ORACLE_REGISTRY_ADDRESS": "0x" + "11" * 20,
    "COUNTERPART_ORACLE_SUBMIT_KEY": "plain:none",
    "COUNTERPART_ORACLE_SUBMIT_SIGNATURES_KEY": "plain:none",
    "COUNTERPART_ORACLE_SIGNING_POLICY_KEY": "plain:none",
}
AGGREGATES = """
    insert into oracle.aggregates (voting_round, symbol, decided_at, window_start, vwap, twap, weighted_median,
                                   consensus, confidence, sources, left_out, flagged)
    select round, symbol, now() - make_interval(secs => 90 * (99 - round)), now(), 93480.1, 93480.2, 93480.3,
        93480.1, 1.5, %(sources)s::jsonb, '{}', false
    from generate_series(0, 99) round, unnest(%(symbols)s::text[]) symbol
"""
RESULT = """
    insert into oracle.rounds (voting_round, reward_epoch, merkle_root, is_secure_random, random, medians, offenders,
                               read_at_block)
    select 7, 1, decode(repeat('11', 32), 'hex'), true, 5,
        jsonb_agg(jsonb_build_object('id', '0x01', 'symbol', symbol, 'value', 1, 'q1', 1, 'q3', 1, 'decimals', 5,
                                     'turnout_bips', 9999)), '[]', 1
    from unnest(%(symbols)s::text[]) symbol
"""


class Desk:
    """The API as it is deployed, its tables and its cache filled, and its readers' keys."""

    def __init__(self, port: int, cloud: LocalCloud) -> None:
        self.port, self.cloud = port, cloud
        self.keys = self._furnish()

    def paths(self) -> list[tuple[float, str]]:
        """What is asked for, and how often."""
        end = datetime.now(UTC).replace(microsecond=0)
        start, stop = ((end - timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (1, 0))
        ranges = [
            (3.0, f"/prices/range?symbol={symbol}&from={start}&to={stop}&interval=1m&limit=60") for symbol in CHARTED
        ]
        few = [(1.0, f"/prices/latest?symbols={','.join(SYMBOLS[at : at + 3])}") for at in range(60)]
        return [
            *few,
            (10.0, f"/prices/latest?symbols={','.join(SYMBOLS[:50])}"),
            (10.0, f"/aggregates/consensus?symbols={','.join(SYMBOLS[:3])}"),
            *ranges,
            (8.0, "/oracle/rounds/7"),
        ]

    def crowd(self, seconds: float, *, per_second: float, port: int = 0, keys: int = READERS) -> dict[str, Any]:
        """What the readers saw."""
        paths = [path for path in self.paths() if not port or path[1].startswith("/prices/latest")]
        plan = {"port": port or self.port, "clients": READERS, "seconds": seconds, "per_second": per_second}
        answer = self.cloud.folder / f"readers-{new_id()}.json"
        told = json.dumps({**plan, "paths": paths, "keys": self.keys[:keys]})
        crowd = self.cloud.children.start_python("readers", "tests.bench.price_readers", told, answer)
        crowd.wait_until(answer.exists, limit_s=seconds + PATIENCE_S)
        self.cloud.children.forget(crowd)
        seen: dict[str, Any] = json.loads(answer.read_bytes())
        return seen

    def bare(self) -> int:
        """The port of the peer."""
        port = ports.requested_port(0)
        self.cloud.children.start_python("bare", "tests.bench.bare_prices", str(port)).wait_until(
            lambda: not ports.is_free(port)
        )
        return port

    def _furnish(self) -> list[str]:
        clock, url = SystemClock(), self.cloud.database_url
        postgres, redis = Postgres(url, role=ROLE), self.cloud.redis
        repository = Repository(postgres)
        repository.remember_feeds(1, [Feed(feed.id, feed.decimals) for feed in mainnet_feeds()])
        with postgres.transaction() as tx:
            tx.execute(AGGREGATES, symbols=SYMBOLS, sources=json.dumps({source: [93480.1, 0.5] for source in SOURCES}))
            tx.execute(RESULT, symbols=SYMBOLS)
        now = clock.now()
        repository.store_points(
            [_point(symbol, source, now, n) for symbol in CHARTED for source in SOURCES for n in range(180)], "bench"
        )
        Candles(postgres, clock).fold_marked(now, seconds=60)
        upstash = Upstash(redis.rest_url, redis.token)
        LatestPrices(UpstashCache(upstash), repository).keep(repository.aggregates_of(99))
        upstash.close()
        owner = Postgres(url, role="counterpart_ops")
        keys = ApiKeys(owner)
        issued = [
            keys.issue(tier=Tier.PAID, role=Role.VIEWER, label=f"reader {n}", actor="a bench") for n in range(READERS)
        ]
        for database in (postgres, owner):
            database.close()
        return [one.key for one in issued]


def _point(symbol: str, source: str, now: datetime, number: int) -> VenuePrice:
    base, quote = symbol.split("/")
    time_, price = now - timedelta(seconds=20 * number + 1), Decimal("93480.1") + number % 7
    return VenuePrice(base=base, quote=quote, price=price, volume=Decimal(1), time=time_, source=source)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Warm: every container has answered."""
    with (
        LocalCloud() as cloud,
        Runner(
            cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM, concurrency_max=CONTAINERS
        ) as runner,
    ):
        stack = runner.stack("prices", ORACLE, services=("oracle",))
        runner.wait_warm()
        stack.create_queues()
        stack.resume()  # without start(): no queue and no schedule has anything to do here
        desk = Desk(stack.port, cloud)
        desk.crowd(3, per_second=0)
        yield desk


def figures(seen: dict[str, Any]) -> str:
    """One line of it."""
    parts = statistics.quantiles(seen["took_ms"], n=1000)
    rate, last_ms = len(seen["took_ms"]) / seen["lasted_s"], max(seen["took_ms"])
    return (
        f"{rate:,.0f}/s for {seen['lasted_s']:.0f} s, p50 {parts[499]:,.1f} ms, p95 {parts[949]:,.1f} ms, "
        f"p99 {parts[989]:,.1f} ms, last {last_ms:,.0f} ms; the generator was late by {seen['lag_ms']:.1f} ms at most"
    )


def by_path(seen: dict[str, Any]) -> str:
    """p50 and p95 of each kind of question."""
    told = []
    for path, took_ms in sorted(seen["by_path"].items()):
        parts = statistics.quantiles(took_ms, n=100)
        told.append(f"{path} {parts[49]:.1f}/{parts[94]:.1f}")
    return ", ".join(told)


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the machine's load."""
    with capsys.disabled():
        sys.stdout.write(f"\noracle api: {line} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n")


def test_two_hundred_requests_a_second_over_two_hundred_connections(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Open loop, timed from when each request was due: nobody waits politely for a slow answer before the next."""
    bare = desk.crowd(10, per_second=PER_SECOND, port=desk.bare())
    with processors.watched() as spent:
        seen = desk.crowd(SECONDS, per_second=PER_SECOND, keys=READERS // 2)
    ratio = statistics.median(seen["took_ms"]) / statistics.median(bare["took_ms"])
    say(f"open loop of {PER_SECOND}/s: {figures(seen)}", capsys)
    say(f"p50/p95 ms: {by_path(seen)}", capsys)
    say(f"processor, ms a request: {processors.per_piece(spent, len(seen['took_ms']))}", capsys)
    say(f"the peer: {figures(bare)}; ours {ratio:.1f} times its median", capsys)

    assert {"200"} == set(seen["statuses"]) == set(bare["statuses"])


def test_as_often_as_there_are_answers(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Closed loop: the throughput of two containers."""
    seen, bare = desk.crowd(15, per_second=0), desk.crowd(5, per_second=0, port=desk.bare())
    ratio = (len(bare["took_ms"]) / bare["lasted_s"]) / (len(seen["took_ms"]) / seen["lasted_s"])
    say(f"closed loop: {figures(seen)}; the peer {ratio:.1f} times as many", capsys)

    assert {"200"} == set(seen["statuses"])


def test_prices_are_pushed_to_a_thousand_listeners(
    aws: Aws, redis_rest: RedisRest, children: Children, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of a thousand reads one of 63 feeds; feeds are told one at a time, then all of a round at once."""
    with ops_stack(aws, redis_rest, children, tmp_path) as stack:
        house = House(stack, redis_rest, aws.client("sqs"))
        each, together = asyncio.run(pushed(house))
        house.close()
    for name, took_ms in (("a feed at a time", each), ("a round at once", together)):
        parts = statistics.quantiles(took_ms, n=1000)
        times = f"p50 {parts[499]:,.0f} ms, p99 {parts[989]:,.0f} ms, last {max(took_ms):,.0f} ms"
        say(f"{LISTENERS:,} listeners, {name}: {times}", capsys)


async def pushed(house: House) -> tuple[list[float], list[float]]:
    """Milliseconds from a publication to each who reads it: of single feeds, and of whole rounds."""
    listeners = await listening(house.stack.ws_url)
    publication, decided = Publication(house.realtime), [_decided(symbol) for symbol in SYMBOLS]
    each: list[float] = []
    together: list[float] = []
    try:
        for number, aggregate in enumerate([*decided, *decided]):
            readers = listeners[aggregate.symbol]
            took_ms = await _told(publication, [aggregate], number, readers)
            each += took_ms if number >= len(decided) else []  # the first ones warm the containers
        everybody = [listener for readers in listeners.values() for listener in readers]
        for number in range(ROUNDS):
            together += await _told(publication, decided, 1_000 + number, everybody)
    finally:
        await asyncio.gather(*(listener.close() for readers in listeners.values() for listener in readers))
    return each, together


async def listening(url: str) -> dict[str, list[Listener]]:
    """The listeners by the feed that they read, in the words of the stream."""
    gate = asyncio.Semaphore(32)

    async def one(number: int) -> tuple[str, Listener]:
        async with gate:
            symbol = SYMBOLS[number % len(SYMBOLS)]
            listener = await Listener(f"{url}/stream").open()
            answer = await listener.say(type="subscribe", feeds=[symbol])
            assert ("subscribed", [symbol]) == (answer["type"], answer["feeds"])
            return symbol, listener

    listeners: dict[str, list[Listener]] = {}
    for symbol, listener in await asyncio.gather(*(one(number) for number in range(LISTENERS))):
        listeners.setdefault(symbol, []).append(listener)
    return listeners


async def _told(
    publication: Publication, decided: list[StoredAggregate], number: int, readers: list[Listener]
) -> list[float]:
    before = [len(reader.told) for reader in readers]
    began_s = time.perf_counter()
    news = [replace(one, voting_round=number) for one in decided]
    await asyncio.to_thread(publication.publish, news, key=f"bench:{number}")
    for reader, known in zip(readers, before, strict=True):
        await reader.until_more(known)
    assert {"price_update"} == {reader.told[-1]["type"] for reader in readers}
    return [1000 * (reader.came_at_s[known] - began_s) for reader, known in zip(readers, before, strict=True)]


def _decided(symbol: str) -> StoredAggregate:
    now = datetime.now(UTC)
    return StoredAggregate(
        symbol=symbol,
        voting_round=0,
        decided_at=now,
        window_start=now,
        vwap=1.0,
        twap=1.0,
        weighted_median=1.0,
        consensus=93480.1,
        confidence=1.5,
        sources={source: [93480.1, 0.5] for source in SOURCES},
        flagged=False,
    )
