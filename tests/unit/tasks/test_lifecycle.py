"""What may become of a task: the transition table and the rulings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Broken, Conflict, DatabaseUnavailable, LeaseLost, Rejected, Transient
from kernel.tasks import Done, NotClaimed, Outcome, Retry, Skipped
from kernel.tasks.lifecycle import (
    CLAIMS_MAX,
    ERROR_LENGTH_MAX,
    OUTCOMES,
    TRANSITIONS,
    Event,
    IllegalTransition,
    Ruling,
    Standing,
    State,
    completed,
    expired,
    follow,
    lease_within,
    rule_on_burial,
    rule_on_claim,
    rule_on_finish,
    rule_on_replay,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def standing(**fields: Any) -> Standing:
    """A ready task that is due now, with the given differences."""
    base: dict[str, Any] = {
        "state": State.READY,
        "run_at": NOW,
        "expires_at": None,
        "attempt": 0,
        "attempts_max": 3,
        "fence": 0,
        "lease_until": None,
    }
    return Standing(**base | fields)


def held(**fields: Any) -> Standing:
    """A task in its first attempt, leased for another second."""
    base: dict[str, Any] = {"state": State.LEASED, "attempt": 1, "fence": 1, "lease_until": NOW + SECOND}
    return standing(**base | fields)


standings = st.builds(
    Standing,
    state=st.sampled_from(State),
    run_at=st.sampled_from([NOW - SECOND, NOW, NOW + SECOND, NOW + 2 * SECOND]),
    expires_at=st.sampled_from([None, NOW - SECOND, NOW, NOW + SECOND]),
    attempt=st.integers(0, 4),
    attempts_max=st.integers(1, 4),
    fence=st.sampled_from([0, 1, 7, CLAIMS_MAX]),
    lease_until=st.sampled_from([None, NOW - SECOND, NOW, NOW + SECOND]),
)
outcomes: st.SearchStrategy[Outcome | BaseException] = st.one_of(
    st.just(Done()),
    st.builds(Retry, st.floats(0, 1e6), st.text()),
    st.builds(Skipped, st.text()),
    st.sampled_from([Rejected(), Conflict(), Broken(), DatabaseUnavailable(), LeaseLost(), KeyError("x"), OSError()]),
)


def test_the_table_is_complete() -> None:
    """Every state is listed, every event can happen somewhere, every end of an attempt has a name."""
    assert set(TRANSITIONS) == set(State)
    assert {event for row in TRANSITIONS.values() for event in row} == set(Event)
    assert set(OUTCOMES) == set(Event) - {Event.CLAIM}


def test_done_and_skipped_are_final() -> None:
    """Nothing leads out of them; dropped and parked tasks come back by a replay only."""
    ways_out = {state: set(row) for state, row in TRANSITIONS.items() if state not in (State.READY, State.LEASED)}

    assert ways_out == {
        State.DONE: set(),
        State.SKIPPED: set(),
        State.DROPPED: {Event.REPLAY},
        State.PARKED: {Event.REPLAY},
    }


def test_an_event_that_the_table_lacks_cannot_happen() -> None:
    """A done task is not completed again, and a ready one is not completed without a claim."""
    for state in (State.DONE, State.READY):
        with pytest.raises(IllegalTransition) as caught:
            follow(state, Event.COMPLETE)
        assert caught.value.details == {"state": state.value, "event": "complete"}


@given(standings)
def test_claims_follow_the_table(task: Standing) -> None:
    """Whatever the task's standing, a claim leads where the table says or nowhere."""
    ruling = rule_on_claim(task, NOW)

    assert isinstance(ruling, NotClaimed) or TRANSITIONS[task.state][ruling.event] == ruling.state


@given(standings, outcomes, st.floats(0, 1))
def test_outcomes_follow_the_table(task: Standing, outcome: Outcome | BaseException, jitter: float) -> None:
    """A held task always goes somewhere; only going back to ready sets another time, never before now."""
    if task.state is not State.LEASED or task.attempt == 0:
        return
    ruling = rule_on_finish(task, outcome, NOW, jitter=jitter)

    assert TRANSITIONS[State.LEASED][ruling.event] == ruling.state
    assert (ruling.run_at is not None) == (ruling.state is State.READY)
    assert ruling.run_at is None or ruling.run_at >= NOW


@given(standings)
def test_a_living_lease_is_never_disturbed(task: Standing) -> None:
    """Neither a claim nor a dead letter touches what a worker holds."""
    if task.is_held(NOW):
        assert isinstance(rule_on_claim(task, NOW), NotClaimed)
        assert rule_on_burial(task, NOW) is None


def test_a_held_task_is_not_claimed() -> None:
    """Attempts that are left make no difference: its worker may yet finish."""
    assert rule_on_claim(held(), NOW) == NotClaimed("held by another worker")


def test_a_due_task_is_claimed() -> None:
    """It costs one attempt."""
    assert rule_on_claim(standing(attempt=1), NOW) == Ruling(event=Event.CLAIM, state=State.LEASED, attempt=2)


def test_a_lease_ends_at_its_time() -> None:
    """At the very moment it is over, and not a microsecond before."""
    assert rule_on_claim(held(lease_until=NOW + timedelta(microseconds=1)), NOW) == NotClaimed("held by another worker")
    assert rule_on_claim(held(lease_until=NOW), NOW) == Ruling(event=Event.CLAIM, state=State.LEASED, attempt=2)


def test_a_window_closes_at_its_time() -> None:
    """At expires_at it is over; a microsecond before it is not."""
    assert rule_on_claim(standing(expires_at=NOW), NOW) == expired()
    claim = rule_on_claim(standing(expires_at=NOW + timedelta(microseconds=1)), NOW)
    assert isinstance(claim, Ruling)
    assert claim.event is Event.CLAIM


def test_a_window_is_looked_at_before_the_attempts() -> None:
    """A task that is both over and worn out is skipped: nobody needs to look at it."""
    assert rule_on_claim(standing(expires_at=NOW, attempt=3), NOW) == expired()


@pytest.mark.parametrize(
    ("early_s", "is_claimed"),
    [(-5.0, True), (0.0, True), (1.0, True), (1.001, False), (60.0, False)],
)
def test_a_message_may_be_a_second_early(early_s: float, is_claimed: bool) -> None:
    """Delays count whole seconds; who comes earlier is told so."""
    answer = rule_on_claim(standing(run_at=NOW + timedelta(seconds=early_s)), NOW)

    assert isinstance(answer, Ruling) == is_claimed
    assert is_claimed or answer == NotClaimed("early", is_early=True)


@pytest.mark.parametrize("worn", [{"attempt": 3}, {"fence": CLAIMS_MAX}])
def test_used_up_attempts_park(worn: dict[str, int]) -> None:
    """A task whose last worker died is parked by the next claim, as is one that was claimed without end."""
    ruling = rule_on_claim(standing(**worn), NOW)

    assert isinstance(ruling, Ruling)
    assert (ruling.event, ruling.error_code) == (Event.EXHAUST, "attempts_used_up")


def test_a_replay_outlives_the_bound_on_claims() -> None:
    """Parking and replaying raise the token past the bound; the task can then be claimed as often again."""
    ruling = rule_on_claim(standing(fence=CLAIMS_MAX + 2), NOW)

    assert isinstance(ruling, Ruling)
    assert ruling.event == Event.CLAIM
    worn = rule_on_claim(standing(fence=2 * CLAIMS_MAX), NOW)
    assert isinstance(worn, Ruling)
    assert worn.event == Event.EXHAUST


@pytest.mark.parametrize("state", [State.DONE, State.SKIPPED, State.DROPPED, State.PARKED])
def test_a_finished_task_is_not_claimed(state: State) -> None:
    """A late message finds it finished."""
    assert rule_on_claim(standing(state=state), NOW) == NotClaimed(f"already {state}")


def test_a_done_task_is_done() -> None:
    """Whether the worker says so or commits it with its effect."""
    assert rule_on_finish(held(), Done(), NOW, jitter=0) == completed()


def test_looking_again_costs_nothing() -> None:
    """The attempt is given back and the wait is exactly what was asked for."""
    ruling = rule_on_finish(held(attempt=2), Retry(2.5, "not final"), NOW, jitter=1)

    assert (ruling.event, ruling.attempt, ruling.run_at) == (Event.RETRY, 1, NOW + timedelta(seconds=2.5))


def test_looking_again_is_allowed_at_the_last_attempt() -> None:
    """It is no failure, so it does not park."""
    assert rule_on_finish(held(attempt=3), Retry(1, "not final"), NOW, jitter=0).state is State.READY


def test_a_failure_for_the_moment_waits() -> None:
    """Half of the pause is certain, the other half is up to chance."""
    waits = [rule_on_finish(held(), DatabaseUnavailable(), NOW, jitter=jitter).run_at for jitter in (0.0, 1.0)]

    assert waits == [NOW + SECOND / 2, NOW + SECOND]


class CircuitStaysOpen(Transient):
    """A failure that knows when asking again makes sense."""

    retry_after_s = 60.0


def test_a_failure_that_knows_its_end_is_given_that_long() -> None:
    """What it asks for, and the usual pause on top, so that many do not come back together."""
    waits = [rule_on_finish(held(), CircuitStaysOpen(), NOW, jitter=jitter).run_at for jitter in (0.0, 1.0)]

    assert waits == [NOW + 60.5 * SECOND, NOW + 61 * SECOND]


def test_an_unknown_failure_is_tried_again() -> None:
    """The attempts bound it. Only its type is kept: its text may quote a key."""
    ruling = rule_on_finish(held(), KeyError("0xsecret"), NOW, jitter=0)

    assert (ruling.event, ruling.error_code, ruling.error) == (Event.RETRY, "KeyError", "KeyError")


def test_the_last_failure_parks() -> None:
    """With the error of that failure, not with a general one."""
    ruling = rule_on_finish(held(attempt=3), DatabaseUnavailable("Gone.", host="db1", port=None), NOW, jitter=0)

    assert (ruling.event, ruling.state) == (Event.EXHAUST, State.PARKED)
    assert ruling.error_code == "database_unavailable"
    assert ruling.error == "Gone. (host: db1)"


def test_refused_is_dropped_and_broken_is_parked() -> None:
    """Whose fault it is decides, at the first attempt already; a subclass counts as its class."""
    assert rule_on_finish(held(), Conflict(), NOW, jitter=0).state is State.DROPPED
    assert rule_on_finish(held(), Broken(), NOW, jitter=0).event is Event.PARK
    assert rule_on_finish(held(), Skipped("no feeds"), NOW, jitter=0).state is State.SKIPPED


def test_a_long_error_is_cut() -> None:
    """A detail of any length does not fill the table."""
    ruling = rule_on_finish(held(), DatabaseUnavailable(reason="x" * 10_000), NOW, jitter=0)

    assert len(ruling.error or "") == ERROR_LENGTH_MAX


def test_only_silent_holders_are_buried() -> None:
    """A ready task, a held one and a finished one are left alone."""
    ruling = rule_on_burial(held(lease_until=NOW), NOW)

    assert ruling is not None
    assert (ruling.event, ruling.state) == (Event.BURY, State.PARKED)
    assert rule_on_burial(standing(), NOW) is None
    assert rule_on_burial(standing(state=State.DONE), NOW) is None


def test_a_replay_gives_all_attempts_back() -> None:
    """Ready now; for a task in any other state there is nothing to replay."""
    expected = Ruling(event=Event.REPLAY, state=State.READY, attempt=0, run_at=NOW)

    assert rule_on_replay(standing(state=State.PARKED, attempt=3, run_at=NOW - SECOND), NOW) == expected
    assert rule_on_replay(standing(state=State.DROPPED), NOW) == expected
    for state in (State.READY, State.LEASED, State.DONE, State.SKIPPED):
        assert rule_on_replay(standing(state=state), NOW) is None


@pytest.mark.parametrize(
    ("resend_s", "lease_s"),
    [
        ((), 25.0),
        ((10,), 9.0),
        ((8, 16), 7.0),
        ((16, 8), 7.0),
        ((9, 15), 5.0),
        ((38, 76), 25.0),  # longer than was wanted
        ((1, 2), 4.0),  # a holder has to be able to do something
    ],
)
def test_a_lease_ends_before_the_next_insurance_message(resend_s: tuple[int, ...], lease_s: float) -> None:
    """A message that finds its task held is spent, and so would be the window of whoever died with it."""
    assert lease_within(25.0, resend_s) == lease_s
