"""In what order providers are asked, and how long a caller waits between rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.breaker import Condition, State
from kernel.failover.order import order, pause_s

pytestmark = pytest.mark.unit


def at(name: str, state: State, wait_s: float | None = None) -> Condition:
    return Condition(dependency=name, state=state, wait_s=wait_s)


def test_health_comes_before_the_configured_order() -> None:
    """And within one state the order is kept."""
    conditions = [
        at("a", State.DEGRADED, 10),
        at("b", State.INITIALIZING),
        at("c", State.ACTIVE),
        at("d", State.ACTIVE),
    ]

    assert order(conditions, probes_first=True) == ["c", "d", "b", "a"]


def test_who_is_left_alone_is_left_out() -> None:
    """While the circuit rests or another caller probes."""
    conditions = [at("a", State.CIRCUIT_OPEN, 0.1), at("b", State.RECOVERING, 5), at("c", State.DEGRADED, 9)]

    assert order(conditions, probes_first=True) == ["c"]


@pytest.mark.parametrize(("probes_first", "expected"), [(True, ["b", "a"]), (False, ["a", "b"])])
def test_a_due_probe_comes_first_unless_health_checks_probe(probes_first: bool, expected: list[str]) -> None:
    """As the last one it would never be asked."""
    conditions = [at("a", State.ACTIVE), at("b", State.CIRCUIT_OPEN, 0)]

    assert order(conditions, probes_first=probes_first) == expected


def test_pauses_double_up_to_five_seconds() -> None:
    """0.2 s at first."""
    assert [pause_s(n, jitter=1) for n in (1, 2, 3, 5, 6, 1_000)] == [0.2, 0.4, 0.8, 3.2, 5.0, 5.0]


@given(st.integers(1, 100), st.floats(0, 1))
def test_half_of_a_pause_is_left_to_chance(number: int, jitter: float) -> None:
    """Nobody comes back at once, and not everybody together."""
    whole = pause_s(number, jitter=1)

    assert whole / 2 <= pause_s(number, jitter=jitter) <= whole


@pytest.mark.parametrize(("number", "jitter"), [(0, 0.5), (1, -0.1), (1, 1.1)])
def test_impossible_pauses_are_refused(number: int, jitter: float) -> None:
    """A round is counted from 1; chance lies between 0 and 1."""
    with pytest.raises(ValueError, match=r"rounds|jitter"):
        pause_s(number, jitter=jitter)
