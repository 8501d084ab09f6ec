"""Fifty callers at once: one probe, one change, and every failure counted once."""

import multiprocessing
import time
from datetime import timedelta

import pytest

from infra.local.redis import RedisRest
from kernel.breaker import BreakerPolicy, Breakers, Policies, State
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from tests.integration.breaker import callers
from tests.integration.breaker.conftest import Fleet
from tests.integration.breaker.test_breaker_life import NAME, fail, told
from tests.races import at_once

pytestmark = pytest.mark.integration
CALLERS, CONTAINERS = 50, 10


def containers(fleet: Fleet, kind: str, **options: object) -> list[Breakers]:
    """With Redis, without, or some with and some without; each connected before the race."""
    with_redis = {"redis": [True], "postgres": [False], "mixed": [True, False]}[kind]
    fleet_of_ten = [
        fleet(**options) if with_redis[number % len(with_redis)] else fleet(redis=None, **options)
        for number in range(CONTAINERS)
    ]
    for breakers in fleet_of_ten:
        breakers.changes()
    return fleet_of_ten


@pytest.mark.parametrize("kind", ["redis", "postgres", "mixed"])
def test_of_fifty_callers_one_is_the_probe(fleet: Fleet, clock: FakeClock, kind: str) -> None:
    """When the reset is over, and again when the first probe told nothing."""
    fleet_of_ten = containers(fleet, kind)
    fail(fleet_of_ten[0], 5)
    admitted = []
    for wait_s in (60, 30):
        clock.advance(wait_s)
        admitted.append(at_once(fleet_of_ten * 5, lambda breakers: breakers.usable(NAME)).count(True))

    assert admitted == [1, 1]
    assert told(fleet_of_ten[0].changes())[2:] == [
        ("circuit_open", "probe", "recovering"),
        ("recovering", "probe", "recovering"),
    ]


@pytest.mark.parametrize("kind", ["redis", "postgres", "mixed"])
def test_no_failure_is_lost_or_counted_twice(fleet: Fleet, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Forty-nine of fifty at once leave it closed; the fiftieth opens it, and each change is one row."""
    fleet_of_ten = containers(fleet, kind, policies=Policies(fixed={"*": BreakerPolicy(threshold=CALLERS)}))
    at_once((fleet_of_ten * 5)[: CALLERS - 1], lambda breakers: breakers.failed(NAME, "timeout"))
    newcomer = fleet()
    before = newcomer.condition(NAME)
    fail(fleet_of_ten[0], 1)

    assert "A verdict is lost." not in caplog.text  # or the race shows nothing
    assert (before.state, before.failures) == (State.DEGRADED, CALLERS - 1)
    assert told(newcomer.changes()) == [("initializing", "slip", "degraded"), ("degraded", "trip", "circuit_open")]


@pytest.mark.parametrize("ahead_s", [-5, 5])
def test_clocks_five_seconds_apart_admit_one_probe(fleet: Fleet, clock: FakeClock, ahead_s: int) -> None:
    """Also where containers rule by their own clocks: a probe's time is longer than any difference of them."""
    shifted = FakeClock(clock.now() + timedelta(seconds=ahead_s))
    one, other = fleet(), fleet(clock=shifted)
    fail(one, 5)
    admitted = []
    for _ in range(80):
        clock.advance(1)
        shifted.advance(1)
        admitted += [other.usable(NAME), one.usable(NAME)]

    assert admitted.count(True) == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_of_many_processes_one_is_the_probe(database_url: str, redis_rest: RedisRest, kind: str) -> None:
    """In the stores' own time: eight threads in each of five containers fail, rest and come back together."""
    redis = (redis_rest.rest_url, redis_rest.token) if kind == "redis" else None
    context = multiprocessing.get_context("spawn")
    meeting, results = context.Barrier(6), context.Queue()
    workers = [
        context.Process(target=callers.run, args=(database_url, redis, 8, meeting, results), daemon=True)
        for _ in range(5)
    ]
    for worker in workers:
        worker.start()
    for _ in ("fail", "rest"):
        meeting.wait(callers.MEETING_S)
    time.sleep(callers.RESET_S)
    meeting.wait(callers.MEETING_S)
    admitted = [one for _ in workers for one in results.get(timeout=callers.MEETING_S)]
    for worker in workers:
        worker.join(30)

    changes = Breakers(Postgres(database_url)).changes()
    assert (len(admitted), admitted.count(True)) == (40, 1)
    assert [change.event for change in changes] == ["slip", "trip", "probe"]
