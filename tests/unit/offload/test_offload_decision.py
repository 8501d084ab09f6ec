"""The next step of a job, and how long one waits for the next look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kernel.ids import new_id
from kernel.offload.decision import Begin, GiveUp, Look, Lost, Wait, decide, give_up_at, losers, waiting
from kernel.offload.jobs import Attempt, OffloadJob
from kernel.offload.lifecycle import FINAL, TRANSITIONS, Event, JobTransitionRefused, State, after
from kernel.offload.routing import Estimate, Place, Work

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Attempt(attempt=1, place=Place.MODAL, begun_at=NOW, give_up_at=NOW + timedelta(seconds=1_000), call_id="fc-1")
JOB = OffloadJob(
    id=new_id(),
    business_key="one",
    service="ops",
    function="double",
    arguments={},
    input=None,
    work=Work(units=1, in_process_units_per_s=1, gpu_units_per_s=1),
    poll_kind="ops.poll_offload",
    then_kind=None,
    attempts_max=2,
    valid_until=None,
    state=State.RECORDED,
    attempt=0,
    result=None,
    output=None,
    reason=None,
    correlation_id=None,
    recorded_at=NOW,
    ended_at=None,
)


def job(state: State, *attempts: Attempt, valid_until: datetime | None = None) -> OffloadJob:
    return replace(JOB, state=state, attempt=len(attempts), attempts=attempts, valid_until=valid_until)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ended(outcome: str, error: str | None = None) -> Attempt:
    return replace(FIRST, ended_at=NOW, outcome=outcome, error=error)


def test_a_new_job_is_begun_and_a_running_one_looked_for() -> None:
    """By the id of its newest call."""
    assert decide(job(State.RECORDED), NOW) == Begin(loses=False)
    assert decide(job(State.RUNNING, FIRST), NOW) == Look(FIRST, "fc-1")


def test_an_attempt_of_which_nobody_kept_a_call_id_is_lost() -> None:
    """It may have been made: another one is begun all the same."""
    assert decide(job(State.CALLED, replace(FIRST, call_id=None)), NOW) == Begin(loses=True)


def test_attempts_are_used_up_by_all_but_those_that_were_not_made() -> None:
    """Two of two; the reason tells what the last one came to."""
    lost, not_made = ended("failed", "MemoryError"), ended("not_made", "modal_unavailable")

    assert decide(job(State.RECORDED, lost, not_made), NOW) == Begin(loses=False)
    assert decide(job(State.RECORDED, lost, not_made, ended("lost")), NOW) == GiveUp(
        "its 2 attempts are used up; the last came to nothing: modal_unavailable"
    )
    assert decide(job(State.CALLED, lost, replace(FIRST, call_id=None)), NOW) == GiveUp(
        "its 2 attempts are used up; the last came to nothing: MemoryError"
    )
    assert decide(job(State.RUNNING, lost, FIRST), NOW) == Look(FIRST, "fc-1")


def test_past_its_time_a_job_is_given_up_in_every_state() -> None:
    """At the moment itself, not before."""
    for state, attempts in ((State.RECORDED, ()), (State.CALLED, (FIRST,)), (State.RUNNING, (FIRST,))):
        assert decide(job(state, *attempts, valid_until=at(5)), at(5)) == GiveUp("expired")
        assert decide(job(state, *attempts, valid_until=at(5)), at(4.999)) != GiveUp("expired")


@pytest.mark.parametrize(
    ("age_s", "pause_s"),
    # Never below a second, a quarter of the age, never above a minute, never past the end.
    [(0, 1.0), (4, 1.0), (8, 2.0), (100, 25.0), (240, 60.0), (500, 60.0), (990, 10.0), (999.5, 0.5)],
)
def test_pauses_grow_with_the_age_and_end_with_the_attempt(age_s: float, pause_s: float) -> None:
    """An old case costs little, early news is read early."""
    assert waiting(FIRST, at(age_s)) == Wait(pause_s)


def test_an_attempt_is_lost_when_its_time_is_over() -> None:
    """At the moment itself."""
    assert waiting(FIRST, at(1_000)) == Lost("timed_out", "no result in 1000 s")


def test_a_word_about_a_result_shortens_the_pause_for_half_a_minute() -> None:
    """Longer it is not believed: whoever signs may be wrong."""
    told = replace(FIRST, hinted_at=at(500))

    assert waiting(told, at(500)) == waiting(told, at(529.9)) == Wait(1.0)
    assert waiting(told, at(530)) == Wait(60.0)


def test_an_attempt_has_four_times_its_estimate_and_ten_minutes() -> None:
    """A GPU may have to be waited for."""
    assert give_up_at(Estimate(place=Place.MODAL, time_ms=2_500, price_microusd=0), NOW) == at(610)


def test_places_that_lost_an_attempt_are_known() -> None:
    """Not those that never made it."""
    here = replace(FIRST, place=Place.IN_PROCESS, outcome="not_made")

    assert losers(job(State.RECORDED, here, ended("failed"))) == {Place.MODAL}
    assert losers(job(State.CALLED, here, FIRST)) == {Place.MODAL}


def test_nothing_leads_out_of_an_end() -> None:
    """Every other state can fail; only what was called can be completed."""
    assert {State.COMPLETED, State.FAILED} == FINAL
    for state, events in TRANSITIONS.items():
        assert (Event.FAIL in events) == (state not in FINAL)
        assert (Event.COMPLETE in events) == (state in {State.CALLED, State.RUNNING})
        for event in set(Event) - set(events):
            with pytest.raises(JobTransitionRefused):
                after(state, event)


def test_a_lost_attempt_leads_back_to_the_beginning() -> None:
    """From there the next one is called."""
    assert after(State.CALLED, Event.LOSE, Event.CALL) is State.CALLED
    assert after(State.RECORDED, Event.CALL, Event.ACCEPT, Event.LOSE) is State.RECORDED
    assert after(State.RECORDED, Event.CALL, Event.ACCEPT, Event.COMPLETE) is State.COMPLETED
