"""A push to a thousand clients beside a bare `websockets` server that echoes to as many, in the same run."""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from infra.local import ports
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from tests.integration.realtime.listeners import House, Listener, everybody, ops_stack

pytestmark = pytest.mark.bench
CLIENTS, PUSHES = 1_000, 7


def test_a_push_to_a_thousand_clients(
    aws: Aws, redis_rest: RedisRest, children: Children, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the publication to each client: Redis, SQS, four containers, a post each; the echo is one process."""
    port = ports.requested_port(0)
    bare = children.start_python("bare-sockets", "tests.bench.bare_sockets", str(port))
    bare.wait_until(lambda: not ports.is_free(port))
    with ops_stack(aws, redis_rest, children, tmp_path) as stack:
        house = House(stack, redis_rest, aws.client("sqs"))
        ours = asyncio.run(pushed(house))
        house.close()
    echo = asyncio.run(echoed(f"ws://127.0.0.1:{port}"))
    bare.stop()

    for name, ours_ms, echo_ms in (
        ("p50", quantile(ours, 0.5), quantile(echo, 0.5)),
        ("p99", quantile(ours, 0.99), quantile(echo, 0.99)),
        ("last", max(ours), max(echo)),
    ):
        figures = f"{name} {ours_ms:,.0f} ms, bare echo {echo_ms:,.1f} ms: {ours_ms / echo_ms:.1f} times"
        say(f"realtime: a push to {CLIENTS:,} clients, {figures}", capsys)


async def pushed(house: House) -> list[float]:
    """Milliseconds from each publication to each client."""
    async with everybody(house.stack.ws_url, CLIENTS) as listeners:
        return await timed(listeners, lambda n: asyncio.to_thread(house.publish, "system", n))


async def echoed(url: str) -> list[float]:
    """The same from one client's word to everybody's ear."""
    async with everybody(url, CLIENTS, subscribes=False) as listeners:
        word = '{"type": "data", "topic": "system", "body": {"n": 1}}'
        return await timed(listeners, lambda _: listeners[0].socket.send(word))


async def timed(listeners: list[Listener], send: Callable[[int], Awaitable[None]]) -> list[float]:
    times_ms: list[float] = []
    for n in range(PUSHES):
        before = [len(listener.told) for listener in listeners]
        began_s = time.perf_counter()
        await send(n)
        for listener, known in zip(listeners, before, strict=True):
            await listener.until_more(known)
            if n:  # the first warms the containers
                times_ms.append(1000 * (listener.came_at_s[known] - began_s))
    return times_ms


def quantile(times_ms: list[float], share: float) -> float:
    return statistics.quantiles(times_ms, n=1000)[round(share * 1000) - 1]


def say(figures: str, capsys: pytest.CaptureFixture[str]) -> None:
    load = f"{os.getloadavg()[0]:.1f}"
    with capsys.disabled():
        sys.stdout.write(f"\n{figures} (load {load})\n")
