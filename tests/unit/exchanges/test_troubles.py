"""What local sources of prices suffer from: one fault at a time, for so many requests, and clocks that stand still."""

import time

import pytest

from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.exchanges.troubles import Troubles

pytestmark = pytest.mark.unit

LONG_AGO_MS = 1_000


def test_a_fault_for_two_requests_is_met_twice_and_by_nobody_else() -> None:
    """The third request, and those to others, are answered."""
    troubles, fault = Troubles(), Fault(kind=FaultKind.DOWN, requests_left=2)
    troubles.begin("okx", fault)
    others = troubles.next_fault("htx")
    met = [troubles.next_fault("okx") for _ in range(3)]

    assert others is None
    assert [FaultKind.DOWN, FaultKind.DOWN, None] == [one and one.kind for one in met]


def test_a_fault_without_a_number_lasts_until_another_takes_its_place() -> None:
    """Or until it is ended."""
    troubles, fault = Troubles(), Fault(kind=FaultKind.DOWN)
    troubles.begin("okx", fault)
    met = [troubles.next_fault("okx") for _ in range(5)]
    troubles.begin("okx", None)

    assert [fault] * 5 == met
    assert troubles.next_fault("okx") is None


def test_a_frozen_source_keeps_the_moment_in_which_it_froze() -> None:
    """Whatever the clock of the others does meanwhile; ended, it tells theirs again."""
    troubles = Troubles()
    troubles.hold(LONG_AGO_MS)
    troubles.begin("okx", Fault(kind=FaultKind.FROZEN))
    troubles.hold(2 * LONG_AGO_MS)
    told = {source: troubles.now_ms(source) for source in ("okx", "htx")}
    troubles.begin("okx", None)

    assert {"okx": LONG_AGO_MS, "htx": 2 * LONG_AGO_MS} == told
    assert 2 * LONG_AGO_MS == troubles.now_ms("okx")


def test_a_clock_that_nobody_holds_is_the_real_one() -> None:
    """In milliseconds since the epoch."""
    before_ms = int(time.time() * 1_000)
    told_ms = Troubles().now_ms("okx")

    assert before_ms <= told_ms <= time.time() * 1_000
