"""The life of a circuit in a real record and on a real board: thresholds, reset, probes, and every change a row."""

import pytest

from infra.local.redis import RedisRest
from kernel.breaker import BreakerPolicy, Breakers, Change, CircuitOpen, Event, Policies, State
from kernel.breaker.policy import POLICIES
from kernel.errors import DatabaseUnavailable, Invalid, Rejected, Transient
from kernel.testing import FakeClock
from tests.integration.breaker.conftest import Fleet

pytestmark = pytest.mark.integration
NAME = "modal"


def fail(breakers: Breakers, times: int, name: str = NAME) -> None:
    for _ in range(times):
        breakers.failed(name, "timeout")


def told(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.from_state, change.event, change.to_state) for change in changes]


def test_a_whole_life(fleet: Fleet, clock: FakeClock) -> None:
    """The first answer, five failures, a minute's rest, one probe, two minutes' good conduct: six rows."""
    breakers = fleet()
    breakers.succeeded(NAME)
    fail(breakers, 5)
    refused = breakers.usable(NAME)
    clock.advance(60)
    admitted = breakers.usable(NAME), breakers.usable(NAME)
    breakers.succeeded(NAME)
    clock.advance(120)
    breakers.succeeded(NAME)

    assert (refused, admitted) == (False, (True, False))
    assert breakers.condition(NAME).state is State.ACTIVE
    assert told(breakers.changes()) == [
        ("initializing", "confirm", "active"),
        ("active", "slip", "degraded"),
        ("degraded", "trip", "circuit_open"),
        ("circuit_open", "probe", "recovering"),
        ("recovering", "close", "degraded"),
        ("degraded", "heal", "active"),
    ]
