"""The life of an order."""

import pytest

from functions.bridge.core.order import (
    COMMITTED,
    TRANSITIONS,
    Event,
    OrderKey,
    OrderTransitionRefused,
    State,
    after,
)

pytestmark = pytest.mark.unit


def _reachable(start: State) -> set[State]:
    seen, waiting = set[State](), [start]
    while waiting:
        for state in TRANSITIONS[waiting.pop()].values():
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return seen


def test_every_state_has_a_row() -> None:
    """A state without one would end in a KeyError."""
    assert set(State) == set(TRANSITIONS)


def test_an_order_goes_from_its_deposit_to_its_repayment() -> None:
    """The way of nearly all of them."""
    state = State.PENDING
    for event in (Event.ACCEPT, Event.TRANSFER, Event.PAY, Event.CLAIM, Event.PROVE, Event.CLOSE):
        state = after(state, event)

    assert State.COMPLETED == state


@pytest.mark.parametrize("state", sorted(COMMITTED))
def test_what_may_be_paid_is_never_dropped(state: State) -> None:
    """Not in one step: a payment that is known not to have happened goes back to its decision first."""
    assert State.DROPPED not in TRANSITIONS[state].values()


@pytest.mark.parametrize("state", [State.FULFILLED, State.PROVING, State.PROVED])
def test_what_was_paid_is_never_paid_again(state: State) -> None:
    """No way leads back to a decision."""
    assert {State.PENDING, State.PROCESSING, State.TRANSFERRING, State.DROPPED} & _reachable(state) == set()


def test_only_the_escrow_completes_an_order() -> None:
    """Neither the payment nor the claim does: the original believed the registry's flag."""
    leading = {event for events in TRANSITIONS.values() for event, state in events.items() if state == State.COMPLETED}

    assert {Event.CLOSE} == leading


def test_a_completed_order_stays_completed() -> None:
    """Whatever somebody believes about it."""
    for event in Event:
        with pytest.raises(OrderTransitionRefused):
            after(State.COMPLETED, event)


def test_an_order_is_named_by_its_origin_and_id() -> None:
    """Ids begin anew in each escrow, and are wider than any integer column."""
    assert OrderKey("zksync", 0) != OrderKey("starknet", 0)
    assert f"bridge:zksync:{2**255}:fill" == OrderKey("zksync", 2**255).business_key("fill")
