"""What becomes of a circuit: the rulings, at and beside every threshold, without a store."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.breaker.lifecycle import (
    CLOSED,
    TRANSITIONS,
    Circuit,
    Event,
    Ruling,
    State,
    TransitionRefused,
    follow,
    in_window,
    rule_on_admission,
    rule_on_failure,
    rule_on_reset,
    rule_on_return,
    rule_on_success,
)
from kernel.breaker.policy import BreakerPolicy

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = BreakerPolicy()


def circuit(
    state: State, *, due_in_s: float | None = None, version: int = 7, trips: int = 1, failed: int = 0
) -> Circuit:
    due_at = None if due_in_s is None else NOW + due_in_s * SECOND
    failures = tuple(NOW - SECOND * age for age in range(failed, 0, -1))
    return Circuit(dependency="modal", state=state, version=version, trips=trips, due_at=due_at, failures=failures)


def end(ruling: Ruling | None) -> tuple[Event, State] | None:
    return None if ruling is None else (ruling.event, ruling.after.state)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_what_the_table_does_not_list_is_refused(state: State, event: Event) -> None:
    """A step is in the table, or it raises."""
    if event in TRANSITIONS[state]:
        assert follow(state, event) in set(State)
    else:
        with pytest.raises(TransitionRefused):
            follow(state, event)


def test_only_a_probe_leaves_an_open_circuit() -> None:
    """No success of an older call closes it; besides, an operator may begin anew."""
    assert set(TRANSITIONS[State.CIRCUIT_OPEN]) == {Event.PROBE, Event.RESET}


def test_the_first_verdict_decides() -> None:
    """Initializing ends with it."""
    new = circuit(State.INITIALIZING)

    assert end(rule_on_success(new, POLICY, NOW)) == (Event.CONFIRM, State.ACTIVE)
    assert end(rule_on_failure(new, POLICY, NOW)) == (Event.SLIP, State.DEGRADED)


def test_the_fifth_failure_opens() -> None:
    """Four leave room in the window; the circuit then rests for its reset, and its count of trips grows."""
    fourth = rule_on_failure(circuit(State.DEGRADED, due_in_s=100, failed=3), POLICY, NOW)
    fifth = rule_on_failure(circuit(State.DEGRADED, due_in_s=100, failed=4), POLICY, NOW)

    assert (end(fourth), end(fifth)) == ((Event.SLIP, State.DEGRADED), (Event.TRIP, State.CIRCUIT_OPEN))
    assert fifth is not None
    assert (fifth.after.due_at, fifth.after.trips, fifth.after.version) == (NOW + 60 * SECOND, 2, 8)


def test_a_failure_as_old_as_the_window_is_out() -> None:
    """Windows are half-open."""
    just_in, just_out = NOW - 299.999 * SECOND, NOW - 300 * SECOND

    assert in_window((just_out, just_in), POLICY, NOW) == (just_in,)


def test_verdicts_on_older_calls_change_nothing() -> None:
    """Under way when it opened: neither a failure nor an answer of them is news, then or after the probe."""
    opened, recovering = circuit(State.CIRCUIT_OPEN, due_in_s=0), circuit(State.RECOVERING, due_in_s=9)
    reborn = circuit(State.DEGRADED, due_in_s=100, trips=2)

    for one in (opened, recovering):
        assert rule_on_failure(one, POLICY, NOW) is None
        assert rule_on_success(one, POLICY, NOW) is None
    assert rule_on_failure(reborn, POLICY, NOW, trips=1) is None
    assert end(rule_on_failure(reborn, POLICY, NOW, trips=2)) == (Event.SLIP, State.DEGRADED)


@pytest.mark.parametrize("state", [State.CIRCUIT_OPEN, State.RECOVERING])
def test_a_probe_is_admitted_when_it_is_due(state: State) -> None:
    """To the moment: after the reset, or when the last holder told nothing; the token is the new version."""
    early = rule_on_admission(circuit(state, due_in_s=0.001), POLICY, NOW)
    due = rule_on_admission(circuit(state, due_in_s=0), POLICY, NOW)

    assert early is None
    assert end(due) == (Event.PROBE, State.RECOVERING)
    assert due is not None
    assert (due.after.version, due.after.due_at, due.is_change) == (8, NOW + 30 * SECOND, True)


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_a_closed_circuit_needs_no_probe(state: State) -> None:
    """Everybody may call."""
    assert rule_on_admission(circuit(state, due_in_s=0), POLICY, NOW) is None


def test_only_the_holders_verdict_counts() -> None:
    """A probe that was given up says nothing any more, however late it wakes."""
    recovering = circuit(State.RECOVERING, due_in_s=9, version=7)

    for token in (6, 8):
        assert rule_on_success(recovering, POLICY, NOW, token=token) is None
        assert rule_on_failure(recovering, POLICY, NOW, token=token) is None
        assert rule_on_return(recovering, NOW, token=token) is None
    assert end(rule_on_success(recovering, POLICY, NOW, token=7)) == (Event.CLOSE, State.DEGRADED)
    assert end(rule_on_failure(recovering, POLICY, NOW, token=7)) == (Event.RELAPSE, State.CIRCUIT_OPEN)
    assert end(rule_on_return(recovering, NOW, token=7)) == (Event.RETURN, State.CIRCUIT_OPEN)


def test_a_token_is_worth_nothing_outside_recovering() -> None:
    """The version of an admission cannot come again, but a reset may have come in between."""
    for state in State:
        if state is not State.RECOVERING:
            assert rule_on_failure(circuit(state, due_in_s=9, version=7), POLICY, NOW, token=7) is None


def test_a_relapse_rests_again_and_a_return_does_not() -> None:
    """The one says that the dependency fails, the other that nobody knows."""
    recovering = circuit(State.RECOVERING, due_in_s=9)
    relapse, back = rule_on_failure(recovering, POLICY, NOW, token=7), rule_on_return(recovering, NOW, token=7)

    assert relapse is not None
    assert back is not None
    assert (relapse.after.due_at, relapse.after.trips) == (NOW + 60 * SECOND, 2)
    assert (back.after.due_at, back.after.trips) == (NOW, 1)


def test_after_recovering_it_is_degraded_for_the_healthy_period() -> None:
    """With an empty window; an answer after two minutes makes it active, one before does not."""
    closed = rule_on_success(circuit(State.RECOVERING, due_in_s=9, failed=5), POLICY, NOW, token=7)
    assert closed is not None
    later = closed.after

    assert (later.state, later.failures, later.due_at) == (State.DEGRADED, (), NOW + 120 * SECOND)
    assert rule_on_success(later, POLICY, NOW + 119 * SECOND) is None
    assert end(rule_on_success(later, POLICY, NOW + 120 * SECOND)) == (Event.HEAL, State.ACTIVE)


def test_without_a_healthy_period_a_probe_makes_it_active() -> None:
    """Recovering to active in one step."""
    closed = rule_on_success(circuit(State.RECOVERING, due_in_s=9), BreakerPolicy(healthy_s=0), NOW, token=7)

    assert end(closed) == (Event.CLOSE, State.ACTIVE)
    assert closed is not None
    assert closed.after.due_at is None


def test_a_failure_delays_health_by_a_window() -> None:
    """And never brings it forward."""
    slipped = rule_on_failure(circuit(State.DEGRADED, due_in_s=10), POLICY, NOW)
    patient = rule_on_failure(circuit(State.DEGRADED, due_in_s=1_000), POLICY, NOW)

    assert slipped is not None
    assert patient is not None
    assert (slipped.after.due_at, patient.after.due_at) == (NOW + 300 * SECOND, NOW + 1_000 * SECOND)


def test_a_second_failure_is_kept_but_is_no_change() -> None:
    """The history tells of states, not of every failure."""
    first = rule_on_failure(circuit(State.ACTIVE), POLICY, NOW)
    assert first is not None
    second = rule_on_failure(first.after, POLICY, NOW + SECOND)
    assert second is not None

    assert (first.is_change, second.is_change) == (True, False)
    assert second.after.failures == (NOW, NOW + SECOND)
    assert (second.after.changed_at, second.after.version) == (NOW, first.after.version + 1)


def test_a_reset_begins_anew() -> None:
    """Nothing is remembered, and calls under way count as old."""
    reset = rule_on_reset(circuit(State.CIRCUIT_OPEN, due_in_s=50, failed=5), NOW)

    assert (reset.after.state, reset.after.failures, reset.after.due_at) == (State.INITIALIZING, (), None)
    assert (reset.after.trips, reset.is_change) == (2, True)


@given(st.lists(st.tuples(st.sampled_from(["fail", "answer", "probe"]), st.integers(0, 400)), max_size=60))
def test_no_window_ever_holds_a_threshold_of_failures_unopened(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: open exactly when the window is full; a state that waits knows how long."""
    present, now = Circuit(dependency="modal"), NOW
    for what, wait_s in steps:
        now += wait_s * SECOND
        token = present.version if present.state is State.RECOVERING else None
        ruling = _rule(what, present, now, token)
        present = ruling.after if ruling else present

        assert (len(in_window(present.failures, POLICY, now)) < POLICY.threshold) or present.state not in CLOSED
        assert (present.due_at is None) == (present.state in {State.INITIALIZING, State.ACTIVE})


def _rule(what: str, present: Circuit, now: datetime, token: int | None) -> Ruling | None:
    if what == "fail":
        return rule_on_failure(present, POLICY, now, token=token)
    if what == "answer":
        return rule_on_success(present, POLICY, now, token=token)
    return rule_on_admission(present, POLICY, now)
