"""The life of a contest."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.contests.core.contest import (
    GRACE,
    SWEEPABLE,
    TRANSITIONS,
    ContestTransitionRefused,
    Event,
    Schedule,
    State,
    Status,
    after,
    due,
    status,
)

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = START + timedelta(hours=1)
FOR_FOUR = Schedule(start=START, end=END, entrants_min=4)
A_MOMENT = timedelta(microseconds=1)


def test_a_contest_that_is_played_is_completed_only_when_its_winners_are_paid() -> None:
    """A payout that fails leaves it where it is; the original called it completed."""
    state, seen = State.PENDING, []
    for event in (Event.START, Event.END, Event.RANK, Event.PAY, Event.RAKE):
        state = after(state, event)
        seen.append(status(state))

    assert seen == [Status.ACTIVE, Status.ACTIVE, Status.ACTIVE, Status.COMPLETED, Status.COMPLETED]


def test_nothing_is_swept_before_everybody_is_paid() -> None:
    """The original raked before the prizes: here no way leads there but from paid or refunded."""
    sweeping = {state for state, ways in TRANSITIONS.items() if {Event.RAKE, Event.SWEEP} & ways.keys()}

    assert sweeping == SWEEPABLE == {State.PAID, State.REFUNDED}
    assert [state for state, ways in TRANSITIONS.items() if State.PAID in ways.values()] == [State.PAYING]
    assert [state for state, ways in TRANSITIONS.items() if State.REFUNDED in ways.values()] == [State.REFUNDING]


def test_whoever_has_won_is_not_refunded() -> None:
    """From the stored standings on there is no way to a refund."""
    reachable, open_states = set(), [State.PAYING]
    while open_states:
        state = open_states.pop()
        reachable.add(state)
        open_states += [one for one in TRANSITIONS[state].values() if one not in reachable]

    assert reachable == {State.PAYING, State.PAID, State.RAKED}


def test_every_state_comes_to_an_end_and_every_event_is_somewhere() -> None:
    """Two ends: raked and swept."""
    assert {state for state, ways in TRANSITIONS.items() if not ways} == {State.RAKED, State.SWEPT}
    assert {event for ways in TRANSITIONS.values() for event in ways} == set(Event)
    assert {state for ways in TRANSITIONS.values() for state in ways.values()} == set(State) - {State.PENDING}


def test_a_step_that_the_table_lacks_is_refused() -> None:
    """Two evaluators cannot both store standings."""
    with pytest.raises(ContestTransitionRefused):
        after(after(State.EVALUATING, Event.RANK), Event.RANK)


@pytest.mark.parametrize(
    ("entrants", "now", "event"),
    [
        (4, START - A_MOMENT, None),
        (4, START, Event.START),
        (0, START - A_MOMENT, None),
        (0, START, Event.CANCEL),
        (3, START, None),
        (3, START + GRACE - A_MOMENT, None),
        (4, START + GRACE - A_MOMENT, Event.START),
        (3, START + GRACE, Event.CANCEL),
        (1, START + GRACE, Event.CANCEL),
    ],
)
def test_what_the_start_makes_of_a_contest_for_four(entrants: int, now: datetime, event: Event | None) -> None:
    """Nobody: cancelled at once. Too few: after 59 seconds."""
    assert due(State.PENDING, FOR_FOUR, entrants, now) == event


def test_a_single_entrant_does_not_play_alone() -> None:
    """Whatever the minimum says."""
    alone = Schedule(start=START, end=END, entrants_min=1)

    assert due(State.PENDING, alone, 1, START) is None
    assert due(State.PENDING, alone, 1, START + GRACE) == Event.CANCEL
    assert due(State.PENDING, alone, 2, START) == Event.START


def test_a_contest_ends_at_its_end_and_only_if_it_runs() -> None:
    """To the microsecond."""
    assert due(State.ACTIVE, FOR_FOUR, 4, END - A_MOMENT) is None
    assert due(State.ACTIVE, FOR_FOUR, 4, END) == Event.END
    assert due(State.PAYING, FOR_FOUR, 4, END) is None
