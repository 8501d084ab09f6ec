"""Containers of one fleet: each with a connection, a view and, if it is given one, a clock of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.redis import RedisRest
from kernel.breaker import BreakerPolicy, Breakers, Policies, UpstashBoard
from kernel.clock import Clock
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.upstash import Upstash

POLICY = BreakerPolicy()
# The product gives a verdict up rather than wait for a store; on a busy machine a race would show only that.
PATIENCE_S = 60.0
Fleet = Callable[..., Breakers]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fleet(database_url: str, redis_rest: RedisRest, clock: FakeClock) -> Iterator[Fleet]:
    """`fleet()`: one more container; by default it sees the shared clock and Redis."""
    started: list[Breakers] = []
    clients: list[Upstash] = []

    def start(
        *,
        clock: Clock | None = clock,
        redis: RedisRest | None = redis_rest,
        policies: Policies | None = None,
        **more: Any,
    ) -> Breakers:
        board = None
        if redis is not None:
            clients.append(Upstash(redis.rest_url, redis.token))
            board = UpstashBoard(clients[-1])
        postgres = Postgres(database_url, role="counterpart_oracle", statement_timeout_s=PATIENCE_S)
        started.append(Breakers(postgres, board, clock, policies, actor=f"container-{len(started)}", **more))
        return started[-1]

    yield start
    for breakers in started:
        breakers.close()
    for client in clients:
        client.close()
