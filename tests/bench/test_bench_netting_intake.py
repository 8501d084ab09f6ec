"""Netting's intake under load: two hundred traders over HTTP, through the gateway, containers, Redis and Postgres.

The crowd is a program of its own (`intake_crowd.py`), every trader of which has an address, a session key and a
connection. Of ten intents four are purchases at asks, three bids, three trades with two signatures each; a request has
twenty-five. Beside it the least that could do the work: read the JSON, check the signatures, insert the rows.
"""

import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from functions.netting.adapters.signatures import Claim, are_true
from infra.local.cloud import LocalCloud
from infra.local.runner.runner import Runner
from kernel import base58
from kernel.ids import new_id
from tests.bench.intake_crowd import ITEMS, PRICE_LAMPORTS, Plan, Trader, key

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
CLIENTS, EACH, SECONDS, CONTAINERS, PATIENCE_S = 200, 25, 60, 2, 120
WARM: Final = (
    ("boto3", "psycopg", "pydantic", "aws_lambda_powertools", "upstash_redis", "upstash_ratelimit", "solders"),
    ("fastapi", "mangum"),
)
NETTING: Final = {
    "COUNTERPART_NETTING_CLUSTER": "localnet",
    "COUNTERPART_NETTING_PROGRAM": "1" * 32,
    "COUNTERPART_NETTING_AUTHORITY": "1" * 32,
}
SESSION = """
    insert into netting.session_keys (key, id, owner, allowed_actions, max_volume_lamports, expires_at, state, text,
                                      signature, requested_at, moved_at)
    values (%s, %s, %s, '{TRADE,BID,BUY_NOW}', 1000000000000000, %s, 'active', '', '', now(), now())
"""
ITEM = "insert into netting.item_ownership (item_id, mint, owner, read_at) values (%s, %s, %s, now())"
ASK = """
    insert into netting.listings (listing_id, item_id, seller, price_lamports, expires_at, nonce, signature, listed_at,
                                  moved_at)
    values (%s, %s, %s, %s, %s, %s, '', now(), now())
"""


def furnish(database_url: str) -> None:
    """Sessions, items and asks of every trader."""
    later = datetime.now(UTC) + timedelta(days=1)
    wallets = [str(key(f"wallet {n}").pubkey()) for n in range(CLIENTS)]
    sessions = [str(key(f"session {n}").pubkey()) for n in range(CLIENTS)]
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(SESSION, [(sessions[n], new_id(), wallets[n], later) for n in range(CLIENTS)])
        cursor.executemany(ITEM, [(f"item-{n}", f"mint {n}", wallets[n % CLIENTS]) for n in range(ITEMS)])
        asks = [(f"ask-{n}", f"item-{n}", wallets[n], PRICE_LAMPORTS, later, n) for n in range(CLIENTS)]
        cursor.executemany(ASK, asks)


class Market:
    """The intake as it is deployed, but for its schedules."""

    def __init__(self, port: int, cloud: LocalCloud) -> None:
        self.port, self.cloud, self.database_url = port, cloud, cloud.database_url

    def crowd(self, seconds: float, **plan: int) -> dict[str, Any]:
        """What a crowd saw."""
        told = json.dumps({"port": self.port, "clients": CLIENTS, "each": EACH, "seconds": seconds, **plan})
        answer = self.cloud.folder / f"crowd-{new_id()}.json"
        crowd = self.cloud.children.start_python("crowd", "tests.bench.intake_crowd", told, answer)
        crowd.wait_until(answer.exists, limit_s=seconds + PATIENCE_S)
        self.cloud.children.forget(crowd)
        seen: dict[str, Any] = json.loads(answer.read_bytes())
        return seen

    def stored(self) -> tuple[int, int, int]:
        """How many intents there are, what they are worth, and what of it sessions have reserved."""
        sums = "select count(*), coalesce(sum(amount_lamports), 0), (select sum(used_volume_lamports) from {}) from {}"
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(sums.format("netting.session_keys", "netting.intents").encode()).fetchone()
        assert row is not None
        return int(row[0]), int(row[1]), int(row[2])


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """Warm: every container has answered."""
    with (
        LocalCloud() as cloud,
        Runner(
            cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM, concurrency_max=CONTAINERS
        ) as runner,
    ):
        stack = runner.stack("intake", NETTING, services=("netting",))
        runner.wait_warm()
        stack.create_queues()
        stack.resume()  # without start(): no queue and no schedule has anything to do here
        furnish(cloud.database_url)
        market = Market(stack.port, cloud)
        market.crowd(3)
        yield market


def accepted(seen: dict[str, Any]) -> int:
    """How many intents were taken in."""
    return sum(seen["outcomes"].get(state, 0) for state in ("pending", "offered"))


def figures(seen: dict[str, Any]) -> str:
    """One line of it."""
    parts = statistics.quantiles(seen["took_ms"], n=100)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    rate = accepted(seen) / seen["lasted_s"]
    return (
        f"{rate:,.0f} intents/s for {seen['lasted_s']:.0f} s, p50 {parts[49]:,.0f} ms, p99 {parts[98]:,.0f} ms, {load}"
    )


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nintake: {line}\n")


def test_a_thousand_intents_a_second_for_a_minute(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    """As many as two hundred traders offer; all are taken, stored and charged."""
    before = market.stored()
    seen = market.crowd(SECONDS, per_second=1_000)
    count, lamports, used = market.stored()
    say(f"1,000/s offered by {CLIENTS} clients: {figures(seen)}", capsys)

    assert {"200"} == set(seen["statuses"])
    assert {"pending", "offered"} == set(seen["outcomes"])
    assert (accepted(seen), lamports) == (count - before[0], used)


def test_as_many_as_there_is_room_for(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    """Every trader posts again as soon as it has an answer; the least does the same work alone, one after the other."""
    seen = market.crowd(20)
    bare = least(market.database_url, seconds=5)
    ratio = bare / (accepted(seen) / seen["lasted_s"])
    say(f"without pause: {figures(seen)}; the least {bare:,.0f}/s, {ratio:.1f} times", capsys)

    assert {"200"} == set(seen["statuses"])


def test_an_enemy_among_the_traders(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    """One intent in five is forged, back-dated or has a used nonce: each is refused by its name, none costs another."""
    before = market.stored()
    seen = market.crowd(20, spoilt=5)
    count, lamports, used = market.stored()
    share = 1 - accepted(seen) / sum(seen["outcomes"].values())
    say(f"{share:.0%} spoilt: {figures(seen)}", capsys)

    refusals = {"bad_signature", "created_at_out_of_window", "nonce_used"}
    assert {"pending", "offered"} | refusals == set(seen["outcomes"])
    assert (accepted(seen), lamports) == (count - before[0], used)


def test_signatures_beside_openssls(capsys: pytest.CaptureFixture[str]) -> None:
    """The strict check of solders beside the looser one of cryptography, over the same intents."""
    claims = [claim for body in bodies(40) for claim in claims_of(body)]

    def openssl() -> None:
        for one in claims:
            Ed25519PublicKey.from_public_bytes(base58.decode(one.key)).verify(one.signature, one.message)

    ours_us, theirs_us = (least_us(act, len(claims)) for act in (lambda: are_true(claims), openssl))
    ratio = theirs_us / ours_us
    say(f"a signature: solders {ours_us:.0f} us, cryptography {theirs_us:.0f} us, {ratio:.1f} times", capsys)

    assert all(are_true(claims))


def bodies(count: int) -> Iterator[dict[str, Any]]:
    """Intents as they are posted."""
    trader = Trader(Plan(port=0, clients=CLIENTS, each=count, seconds=0), 0)
    yield from json.loads(trader.body())["intents"]


def claims_of(body: dict[str, Any]) -> Iterator[Claim]:
    """The signatures of an intent."""
    signatures = ("signature", "counterSignature", "counterSessionPubkey")
    fields = {name: value for name, value in body.items() if name not in signatures}
    message = json.dumps(fields, separators=(",", ":")).encode()
    yield Claim(body["sessionPubkey"], message, base58.decode(body["signature"]))
    if "counterSignature" in body:
        yield Claim(body["counterSessionPubkey"], message, base58.decode(body["counterSignature"]))


def least_us(act: Callable[[], object], count: int) -> float:
    """Microseconds of processor a piece, the best of five."""
    times: list[float] = []
    for _ in range(5):
        began_s = time.process_time()
        act()
        times.append(1e6 * (time.process_time() - began_s) / count)
    return min(times)


def least(database_url: str, *, seconds: float) -> float:
    """Intents a second: no limits, no sessions, no volume, no HTTP, no second container."""
    taken: Counter[str] = Counter()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table bare (id text primary key, body jsonb not null)")
        until_s = time.perf_counter() + seconds
        while time.perf_counter() < until_s:
            came = list(bodies(EACH))
            assert all(are_true([claim for body in came for claim in claims_of(body)]))
            with connection.cursor() as cursor:
                cursor.executemany("insert into bare values (%s, %s)", [(one["id"], json.dumps(one)) for one in came])
            taken["intents"] += len(came)
    return taken["intents"] / seconds
