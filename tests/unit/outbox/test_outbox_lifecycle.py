"""The life of an outbox entry: which events may happen when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.outbox.evm.lifecycle import FINAL, TRANSITIONS, Event, State, after
from kernel.outbox.lifecycle import TransitionRefused

pytestmark = pytest.mark.unit

PATHS = [
    ("the straight way", [Event.SIGN, Event.ACCEPT, Event.MINE, Event.CONFIRM], State.CONFIRMED),
    ("every answer lost", [Event.SIGN, Event.MINE, Event.CONFIRM], State.CONFIRMED),
    ("replaced", [Event.SIGN, Event.ACCEPT, Event.SIGN, Event.ACCEPT, Event.MINE, Event.CONFIRM], State.CONFIRMED),
    ("signed again before anybody accepted", [Event.SIGN, Event.SIGN, Event.ACCEPT], State.BROADCAST),
    ("reverted", [Event.SIGN, Event.ACCEPT, Event.MINE, Event.REVERT], State.FAILED),
    ("cancelled", [Event.SIGN, Event.ACCEPT, Event.SIGN, Event.MINE, Event.CANCEL], State.CANCELLED),
    ("reorganised", [Event.SIGN, Event.MINE, Event.REORGANISE, Event.MINE, Event.MINE, Event.CONFIRM], State.CONFIRMED),
    ("displaced", [Event.SIGN, Event.DISPLACE, Event.SIGN, Event.ACCEPT, Event.DISPLACE], State.RECORDED),
    ("adopted", [Event.SIGN, Event.ACCEPT, Event.ADOPT, Event.CONFIRM], State.CONFIRMED),
    ("adopted before it was signed", [Event.ADOPT, Event.REVERT], State.FAILED),
    ("displaced before it was signed", [Event.DISPLACE, Event.SIGN], State.SIGNED),
    ("lapsed", [Event.SIGN, Event.ACCEPT, Event.LAPSE], State.CANCELLED),
]


@pytest.mark.parametrize(("name", "events", "end"), PATHS, ids=[path[0] for path in PATHS])
def test_a_life(name: str, events: list[Event], end: State) -> None:
    """The lives that the essay tells."""
    assert after(State.RECORDED, *events) == end


@pytest.mark.parametrize("event", sorted(set(Event) - {Event.SIGN, Event.ADOPT, Event.DISPLACE, Event.LAPSE}))
def test_nothing_of_ours_happens_to_an_entry_before_it_is_signed(event: Event) -> None:
    """No bytes, no effect: neither mined nor accepted. Only somebody else can use its nonce."""
    with pytest.raises(TransitionRefused):
        after(State.RECORDED, event)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize("event", list(Event))
def test_an_end_is_an_end(state: State, event: Event) -> None:
    """Nothing leads out of a final state, least of all to a new nonce."""
    with pytest.raises(TransitionRefused):
        after(state, event)


def test_the_final_states_are_the_three_ends() -> None:
    """Everything else is still watched."""
    assert {State.CONFIRMED, State.FAILED, State.CANCELLED} == FINAL


def test_only_a_mined_entry_is_confirmed_or_fails() -> None:
    """Success and failure are read from a final receipt, never guessed."""
    sources = {state for state, events in TRANSITIONS.items() if {Event.CONFIRM, Event.REVERT} & set(events)}

    assert sources == {State.MINED}


def test_only_a_displacement_leads_to_a_new_nonce() -> None:
    """Back to recorded is the one way to another lease."""
    ways = {event for events in TRANSITIONS.values() for event, state in events.items() if state == State.RECORDED}

    assert ways == {Event.DISPLACE}


def test_a_mined_entry_is_not_signed_again() -> None:
    """Its nonce is used; a replacement could only be a second effect."""
    with pytest.raises(TransitionRefused):
        after(State.MINED, Event.SIGN)


def test_an_entry_that_is_mined_cannot_be_displaced() -> None:
    """First the reorganisation, then the foreign transaction."""
    assert after(State.MINED, Event.REORGANISE, Event.DISPLACE) == State.RECORDED
    with pytest.raises(TransitionRefused):
        after(State.MINED, Event.DISPLACE)


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_an_entry_ends_at_most_once(events: list[Event]) -> None:
    """Whatever is tried, in whatever order: once final, nothing more is accepted."""
    state, ends = State.RECORDED, 0
    for event in events:
        try:
            state = after(state, event)
        except TransitionRefused:
            continue
        ends += state in FINAL

    assert ends <= 1
