"""Tasks on a real Postgres, by both routes, with a clock that stands still and a queue that keeps what it was sent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel.postgres import Postgres
from kernel.tasks import Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> InMemoryQueue:
    return InMemoryQueue(clock)


@pytest.fixture
def database(route_url: str) -> Postgres:
    return Postgres(route_url, role="counterpart_ops")


@pytest.fixture
def tasks(database: Postgres, queue: InMemoryQueue, clock: FakeClock) -> Tasks:
    """Tasks whose jitter is always in the middle."""
    return Tasks(database, queue, clock, chance=lambda: 0.5)


@pytest.fixture
def spec(clock: FakeClock) -> Callable[..., TaskSpec]:
    """`spec(key, due_s=0, lives_s=None, **fields)`: a task of the oracle, due and expiring relative to now."""

    def make(key: str = "round-1", *, due_s: float = 0, lives_s: float | None = None, **fields: Any) -> TaskSpec:
        run_at = clock.now() + timedelta(seconds=due_s)
        expires_at = None if lives_s is None else run_at + timedelta(seconds=lives_s)
        fields = {"kind": "oracle.commit", "payload": {"round": 1}} | fields
        return TaskSpec(business_key=key, run_at=run_at, expires_at=expires_at, **fields)

    return make
