"""The life of a Solana outbox entry: which events may happen when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.outbox.lifecycle import TransitionRefused
from kernel.outbox.solana.lifecycle import FINAL, TRANSITIONS, Event, State, after

pytestmark = pytest.mark.unit

PATHS = [
    ("the straight way", [Event.SIGN, Event.ACCEPT, Event.LAND, Event.CONFIRM], State.CONFIRMED),
    ("every answer lost", [Event.SIGN, Event.LAND, Event.CONFIRM], State.CONFIRMED),
    ("signed again", [Event.SIGN, Event.ACCEPT, Event.SIGN, Event.ACCEPT, Event.LAND, Event.CONFIRM], State.CONFIRMED),
    ("signed again and not sent yet", [Event.SIGN, Event.ACCEPT, Event.SIGN], State.SIGNED),
    ("failed", [Event.SIGN, Event.ACCEPT, Event.LAND, Event.FAIL], State.FAILED),
    ("cancelled unsigned", [Event.CANCEL], State.CANCELLED),
    ("cancelled dead", [Event.SIGN, Event.ACCEPT, Event.CANCEL], State.CANCELLED),
    ("dropped", [Event.SIGN, Event.LAND, Event.DROP, Event.ACCEPT, Event.LAND, Event.CONFIRM], State.CONFIRMED),
    ("dropped and signed again", [Event.SIGN, Event.LAND, Event.DROP, Event.SIGN], State.SIGNED),
]


@pytest.mark.parametrize(("name", "events", "end"), PATHS, ids=[path[0] for path in PATHS])
def test_a_life(name: str, events: list[Event], end: State) -> None:
    """The lives that the essay tells."""
    assert end == after(State.RECORDED, *events)


@pytest.mark.parametrize("event", [event for event in Event if event not in {Event.SIGN, Event.CANCEL}])
def test_nothing_lands_before_it_is_signed(event: Event) -> None:
    """No bytes, no effect: neither accepted nor landed nor dropped."""
    with pytest.raises(TransitionRefused):
        after(State.RECORDED, event)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize("event", list(Event))
def test_an_end_is_an_end(state: State, event: Event) -> None:
    """Nothing leads out of a final state, least of all to a new signature."""
    with pytest.raises(TransitionRefused):
        after(state, event)


def test_the_final_states_are_the_three_ends() -> None:
    """Everything else is still watched."""
    assert {State.CONFIRMED, State.FAILED, State.CANCELLED} == FINAL


def test_only_a_landed_entry_is_confirmed_or_fails() -> None:
    """Success and failure are read from a finalized transaction, never guessed."""
    sources = {state for state, events in TRANSITIONS.items() if {Event.CONFIRM, Event.FAIL} & set(events)}

    assert {State.LANDED} == sources


@pytest.mark.parametrize("event", [Event.SIGN, Event.CANCEL])
def test_a_landed_entry_is_neither_signed_again_nor_given_up(event: Event) -> None:
    """Its effect may be happening: first the fork must be seen to be gone."""
    with pytest.raises(TransitionRefused):
        after(State.LANDED, event)


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
