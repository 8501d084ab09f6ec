"""A pushed price: until it can be read, and until whoever listens has it. Beside them the bare insert of the same rows.

The push goes through the whole application: the key, the limit, the judgement, Postgres, Redis, and a queue message for
the fan-out, whose containers and WebSockets are those of the local runner, on the same cores.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from functions.contests.core.market import Listing
from functions.contests.http_market_data import app
from functions.contests.wiring import MARKET_ROLE, Deps
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.tokens.server import TokenServer
from kernel.auth.principal import Role, Tier
from kernel.handler.http import override_deps
from kernel.postgres import Postgres
from kernel.testing.asgi import AsgiClient
from kernel.testing.kernel import settings_for as kernel_settings
from kernel.testing.kms import InMemoryKms
from kernel.testing.secrets import InMemorySecrets
from kernel.wiring import Kernel
from tests.handlers.contests.market_stage import settings_for
from tests.integration.realtime.listeners import House, Listener, ops_stack

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
PUSHES: Final = 60
SIZES: Final = (1, 20, 100)
BARE: Final = """
    insert into contests.market_data (mint, observed_at, source, price, ingested_at)
    select mint, %(at)s, 'bare', 1, %(at)s from unnest(%(mints)s::text[]) mint
"""


class Bench:
    """One deployment with a hundred tokens."""

    def __init__(self, database_url: str, tokens: TokenServer, redis: RedisRest, house: House) -> None:
        settings = kernel_settings(database_url).model_copy(
            update={"redis_rest_url": redis.rest_url, "redis_rest_token": f"plain:{redis.token}"}
        )
        self.kernel = Kernel(
            settings, role=MARKET_ROLE, secrets=InMemorySecrets(), kms=InMemoryKms(("k",)), publisher=house.realtime
        )
        self.deps = Deps(self.kernel, settings_for(tokens))
        self.office = Postgres(database_url, role=MARKET_ROLE)
        self.mints = [f"{number:04d}".replace("0", "z") + "1" * 40 for number in range(max(SIZES))]
        self._know()
        override_deps(app, self.deps)
        key = self.kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="desk", actor="a bench")
        self.client = AsgiClient(app, headers={"X-Api-Key": key.key})

    @classmethod
    @contextmanager
    def open(cls, *made_of: Any) -> Iterator["Bench"]:
        """With its connections."""
        bench = cls(*made_of)
        yield bench
        bench.deps.close()
        bench.office.close()

    def push(self, number: int, size: int) -> float:
        """Milliseconds until a push is answered, and its last price could be read."""
        now = datetime.now(UTC).isoformat()
        prices = [
            {"mint": mint, "price": str(1 + number), "source": "bench", "timestamp": now} for mint in self.mints[:size]
        ]
        began_s = time.perf_counter()
        answer = self.client.post("/v1/contests/market-data", json={"prices": prices})
        took_ms = 1_000 * (time.perf_counter() - began_s)
        [last] = self.deps.market.latest([self.mints[size - 1]]).values()
        assert (200, size, (1 + number) * 10**12) == (answer.status_code, answer.json()["stored"], last.price)
        return took_ms

    def insert(self, size: int) -> float:
        """Milliseconds of the bare insert and its commit."""
        began_s = time.perf_counter()
        with self.office.transaction() as tx:
            tx.execute(BARE, at=datetime.now(UTC), mints=self.mints[:size])
        return 1_000 * (time.perf_counter() - began_s)

    def _know(self) -> None:
        listed = [
            Listing(mint=mint, symbol="T", name="Token", decimals=6, rank=rank)
            for rank, mint in enumerate(self.mints, start=1)
        ]
        with self.office.transaction() as tx:
            self.deps.token_list._store(tx, listed, datetime.now(UTC))


async def told(bench: Bench, url: str, size: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each push until its answer, and until the listener to its last token has it."""
    async with Listener(f"{url}") as listener:
        answer = await listener.say(action="subscribe", topics=[f"market-data:{bench.mints[size - 1]}"])
        assert answer["type"] == "ack", answer
        answered: list[float] = []
        heard: list[float] = []
        for number in range(PUSHES + 5):
            known, began_s = len(listener.told), time.perf_counter()
            took_ms = await asyncio.to_thread(bench.push, number, size)
            await listener.until_more(known)
            if number >= 5:  # the first ones warm the containers
                answered.append(took_ms)
                heard.append(1_000 * (listener.came_at_s[known] - began_s))
        return answered, heard


def test_a_pushed_price_is_read_and_heard(
    database_url: str,
    tokens: TokenServer,
    aws: Aws,
    redis_rest: RedisRest,
    children: Children,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The promise is 100 ms from the push to both."""
    with ops_stack(aws, redis_rest, children, tmp_path) as stack:
        house = House(stack, redis_rest, aws.client("sqs"))
        with Bench.open(database_url, tokens, redis_rest, house) as bench:
            for size in SIZES:
                answered, heard = asyncio.run(told(bench, stack.ws_url, size))
                bare = [bench.insert(size) for _ in range(PUSHES)]
                say(f"{size} prices, answered and readable: {figures(answered)}", capsys)
                say(f"{size} prices, heard: {figures(heard)}", capsys)
                ratio = statistics.median(answered) / statistics.median(bare)
                say(f"{size} prices, the bare insert: {figures(bare)}; ours {ratio:.1f} times", capsys)
        house.close()


def figures(took_ms: list[float]) -> str:
    """One line of it."""
    parts = statistics.quantiles(took_ms, n=100)
    within = sum(one <= 100 for one in took_ms) / len(took_ms)
    return f"p50 {parts[49]:.1f} ms, p99 {parts[98]:.1f} ms, last {max(took_ms):.0f} ms, {within:.1%} within 100 ms"


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the machine's load."""
    with capsys.disabled():
        sys.stdout.write(f"\ncontests market: {line} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n")
