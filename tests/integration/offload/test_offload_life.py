"""The life of a job: computed here or elsewhere, checked, told once; and everything that may go wrong on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.errors import LeaseLost, NotFound
from kernel.ids import new_id
from kernel.offload import Job, Offload, Place
from kernel.offload.jobs import JobChanged, JobUnfit, ObjectTooLarge, Refusal
from kernel.offload.modal import ModalUnauthorized, ModalUnavailable
from kernel.offload.objects import ObjectsUnavailable
from kernel.offload.providers import FunctionUnknown, Gone, InProcess
from kernel.tasks import Done, Retry
from tests.integration.offload.conftest import LARGE, SMALL, THEN, Desk
from tests.integration.offload.elsewhere import double

pytestmark = pytest.mark.integration
DONE = Done({"state": "completed", "reason": None})


def test_a_small_job_is_computed_in_process_and_told_once(desk: Desk) -> None:
    """Result, follow-up task and the poll task's end are one commit; a second look changes nothing."""
    job_id = desk.ask()
    fence = desk.claim()
    outcomes = [desk.offload.advance(job_id, fence, desk.check) for _ in range(2)]
    job = desk.job()

    assert outcomes == [DONE, DONE]
    assert (job.state, job.result, job.output) == ("completed", {"number": 42}, None)
    assert desk.outcomes() == [("in_process", "completed")]
    assert (desk.task()["state"], desk.task(kind=THEN)["payload"]) == ("done", {"job_id": str(job_id)})


def test_a_large_job_is_called_elsewhere_and_asked_for_until_it_is_there(desk: Desk) -> None:
    """Its call id is stored; looking costs no attempt of the task, and the pauses grow with its age."""
    desk.ask(work=LARGE, input=desk.jobs.keep_input(b"abc"))
    steps = [desk.step() for _ in range(8)]
    desk.modal.finish("fc-1", {"number": 42}, b"cba")
    desk.step()
    job = desk.job()

    assert [step.after_s for step in steps if isinstance(step, Retry)] == [1, 1, 1, 1, 1, 1.25, 1.5625, 1.953125]
    assert (job.result, desk.jobs.output(job)) == ({"number": 42}, b"cba")
    assert (desk.checked[-1].input(), desk.checked[-1].output) == (b"abc", b"cba")
    assert desk.outcomes() == [("modal", "completed")]
    assert (desk.task()["attempt"], desk.told()) == (1, 1)


def test_asking_again_is_asking_once_and_another_job_needs_another_key(desk: Desk) -> None:
    """The same business key leads to the same job; with anything else in it, it is refused."""
    first, second = desk.ask(), desk.ask()

    assert first == second
    assert len(desk.rows("select 1 from kernel.tasks")) == 1
    for changed in ({"arguments": {"number": 22}}, {"function": "triple"}, {"then_kind": None}, {"service": "oracle"}):
        with pytest.raises(JobChanged):
            desk.ask(**changed)
    with pytest.raises(JobChanged):
        desk.ask(input=desk.jobs.keep_input(b"abc"))


def test_a_job_exists_if_and_only_if_its_caller_commits(desk: Desk) -> None:
    """What rolled back asked for nothing."""
    job = Job(business_key="one", service="ops", function="double", arguments={}, work=SMALL)
    with pytest.raises(ZeroDivisionError), desk.postgres.transaction() as tx:
        desk.jobs.submit(tx, job)
        1 / 0  # noqa: B018

    assert (desk.jobs.job_of("one"), desk.rows("select 1 from kernel.tasks")) == (None, [])
    with pytest.raises(NotFound):
        desk.jobs.job(new_id())


@pytest.mark.parametrize("arguments", [{"n": float("nan")}, {"n": "\x00"}, {"n": "\ud800"}, {"n": "x" * 60_000}])
def test_arguments_that_no_row_can_hold_are_refused_with_words(desk: Desk, arguments: dict[str, object]) -> None:
    """Before anything is stored."""
    with pytest.raises(JobUnfit):
        desk.ask(arguments=arguments)


def test_an_input_that_nobody_here_could_check_is_refused(desk: Desk) -> None:
    """Before it is stored; several jobs can have it."""
    with pytest.raises(ObjectTooLarge):
        desk.jobs.keep_input(bytes(512 * 1024 * 1024 + 1))

    assert desk.objects.kept == {}


def test_what_was_asked_for_cannot_be_changed_even_by_its_slice(desk: Desk) -> None:
    """The database refuses it to every slice's role."""
    desk.ask()

    for column in ("arguments", "function", "business_key", "then_kind"):
        with pytest.raises(Exception, match="permission denied"), desk.postgres.transaction() as tx:
            tx.execute(f"update kernel.offload_jobs set {column} = {column}")


def test_whoever_died_between_the_call_and_its_id_is_followed_by_a_second_call(desk: Desk) -> None:
    """The first call's result is nobody's: it lies in a place of its own, and its word wakes nobody."""
    desk.ask(work=LARGE)
    desk.modal.failing = ConnectionResetError("the worker died here")
    with pytest.raises(ConnectionResetError):
        desk.step()
    desk.modal.failing = None
    desk.step()
    desk.modal.finish("fc-1", {"number": -1}, b"of the first")
    woken = desk.wake(attempt=1)
    looked = desk.step()
    desk.modal.finish("fc-2", {"number": 42})
    desk.step()

    assert (woken, isinstance(looked, Retry)) == (False, True)
    assert [call.output_key[-2:] for call in desk.modal.calls.values()] == ["/1", "/2"]
    assert desk.outcomes() == [("modal", "lost"), ("modal", "completed")]
    assert (desk.job().result, desk.told()) == ({"number": 42}, 1)


def test_a_worker_that_wakes_after_another_has_taken_over_changes_nothing(desk: Desk) -> None:
    """It has made its call, but cannot store the call's id: nobody asks for what that computes."""
    job_id = desk.ask(work=LARGE)
    sleeper = desk.claim()

    def take_over() -> None:
        desk.clock.advance(61)
        desk.step()

    desk.modal.meanwhile = take_over
    with pytest.raises(LeaseLost):
        desk.offload.advance(job_id, sleeper, desk.check)

    assert [(one.attempt, one.call_id, one.outcome) for one in desk.job().attempts] == [
        (1, None, "lost"),
        (2, "fc-2", None),
    ]


def test_a_worker_that_computed_past_its_lease_stores_nothing(desk: Desk) -> None:
    """In process as well: the newer worker's result is the one."""
    desk.modal.down = True
    job_id = desk.ask()
    sleeper = desk.claim()

    def slowly(arguments: object, content: object) -> tuple[dict[str, object], None]:
        desk.functions["double"] = double
        desk.clock.advance(61)
        desk.step()
        return {"number": -1}, None

    desk.functions["double"] = slowly
    with pytest.raises(LeaseLost):
        desk.offload.advance(job_id, sleeper, desk.check)

    assert (desk.job().result, desk.told()) == ({"number": 42}, 1)


def test_an_attempt_without_a_result_counts_as_lost_after_its_time(desk: Desk) -> None:
    """Another one is begun; the old call is cancelled, and what it still says is not asked for."""
    desk.ask(work=LARGE)
    desk.step()
    desk.clock.set(desk.job().attempts[0].give_up_at)
    timed_out = desk.step()
    desk.modal.finish("fc-1", {"number": -1})
    desk.step()
    desk.modal.finish("fc-2", {"number": 42})
    desk.step()

    assert isinstance(timed_out, Retry)
    assert desk.modal.cancelled == ["fc-1"]
    assert desk.outcomes() == [("modal", "timed_out"), ("modal", "completed")]
    assert desk.job().result == {"number": 42}


def test_a_result_that_does_not_stand_its_check_does_not_count(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Another attempt is begun, and an alarm rings; when the attempts are used up the job fails with the reason."""
    desk.ask(work=LARGE, attempts_max=2)
    desk.problem = "17 is not twice 21"
    for call in ("fc-1", "fc-2"):
        desk.step()
        desk.modal.finish(call, {"number": 17})
        desk.step()
    alarms = [record.alarm for record in caplog.records if hasattr(record, "alarm")]
    job = desk.job()

    assert (job.state, job.result, desk.told()) == ("failed", None, 1)
    assert job.reason == "its 2 attempts are used up; the last came to nothing: 17 is not twice 21"
    assert alarms == ["offload.unfit", "offload.unfit", "offload.failed"]


@pytest.mark.parametrize(
    ("tampered", "problem"),
    [
        (b"cbb", "An input or output is not what it was when it was put there."),
        (b"cba and more", "An input or output is not what it was when it was put there."),
        (None, "An input or output is not where it was put."),
    ],
)
def test_an_output_that_is_not_what_was_told_does_not_count(desk: Desk, tampered: bytes | None, problem: str) -> None:
    """Changed, longer or absent: the check does not even see it."""
    desk.ask(work=LARGE, attempts_max=1)
    desk.step()
    desk.modal.finish("fc-1", {"number": 42}, b"cba")
    key = desk.modal.calls["fc-1"].output_key
    if tampered is None:
        del desk.objects.kept[key]
    else:
        desk.objects.kept[key] = tampered
    desk.step()

    assert desk.job().reason == f"its 1 attempts are used up; the last came to nothing: {problem}"
    assert desk.checked == []


@pytest.mark.parametrize("result", [{"n": float("inf")}, {"n": "\x00"}, {"n": "x" * 70_000}, {"n": object()}])
def test_a_result_that_no_row_can_hold_does_not_count(desk: Desk, result: dict[str, object]) -> None:
    """Whoever computes elsewhere may answer anything."""
    desk.ask(work=LARGE, attempts_max=1)
    desk.step()
    desk.modal.finish("fc-1", result)
    desk.step()

    assert (desk.job().state, desk.outcomes()) == ("failed", [("modal", "unfit")])


def test_a_refusal_is_final_and_a_failure_is_not(desk: Desk) -> None:
    """What the function refuses it would refuse again; what went wrong there may go right the next time."""
    desk.ask("refused", work=LARGE)
    desk.ask("failed", work=LARGE)
    for key in ("refused", "failed"):
        desk.step(key)
    desk.modal.answers |= {"fc-1": Refusal("no number"), "fc-2": Gone("failed", "MemoryError")}
    for key in ("refused", "failed"):
        desk.step(key)

    assert (desk.job("refused").state, desk.job("refused").reason) == ("failed", "refused: no number")
    assert (desk.job("failed").state, desk.outcomes("failed")) == ("recorded", [("modal", "failed")])


def test_calls_that_were_certainly_not_made_cost_no_attempt(desk: Desk) -> None:
    """The task waits or is parked, by whose fault it is; afterwards the job has all its attempts."""
    desk.ask(work=LARGE, attempts_max=1)
    desk.modal.refusing = ModalUnavailable()
    for _ in range(3):
        with pytest.raises(ModalUnavailable):
            desk.step()
    desk.modal.refusing = ModalUnauthorized()
    with pytest.raises(ModalUnauthorized):
        desk.step()
    parked = desk.task()["state"]
    desk.modal.refusing = None
    desk.tasks.replay(desk.task_id("one"), "an operator")
    desk.step()
    desk.modal.finish("fc-1", {"number": 42})
    desk.step()

    assert (parked, desk.job().state) == ("parked", "completed")
    assert desk.outcomes() == [*[("modal", "not_made")] * 4, ("modal", "completed")]


def test_silence_past_an_attempts_time_is_a_loss(desk: Desk) -> None:
    """Before that it is the task's failure: nobody knows whether the result is there."""
    desk.ask(work=LARGE)
    desk.step()
    desk.modal.failing = ModalUnavailable()
    with pytest.raises(ModalUnavailable):
        desk.step()
    desk.clock.set(desk.job().attempts[0].give_up_at)
    desk.step()

    assert desk.outcomes() == [("modal", "timed_out")]


def test_an_attempt_that_one_place_lost_is_made_in_another(desk: Desk) -> None:
    """Where both could compute it."""
    both = replace(LARGE, units=60_000)
    desk.rates = replace(desk.rates, in_process_microusd_per_s=10_000)
    desk.ask(work=both)
    desk.step()
    desk.modal.answers["fc-1"] = Gone("failed", "CUDARuntimeError")
    desk.step()
    desk.step()

    assert desk.outcomes() == [("modal", "failed"), ("in_process", "completed")]


def test_an_attempt_in_a_place_that_is_not_set_up_any_more_is_lost(desk: Desk) -> None:
    """Somebody took the app out of the settings while it computed."""
    desk.ask(work=LARGE)
    desk.step()
    here = {Place.IN_PROCESS: InProcess(desk.functions.get, desk.objects)}
    desk.offload = Offload(desk.postgres, desk.tasks, desk.objects, here, desk.clock, rates=lambda: desk.rates)
    desk.step()

    assert (desk.outcomes(), desk.step()) == ([("modal", "lost")], Retry(30.0, "modal does not answer"))


def test_a_job_past_its_time_fails_whatever_is_under_way(desk: Desk) -> None:
    """Its call is cancelled; a result that comes later finds nobody."""
    desk.ask(work=LARGE, valid_until=desk.clock.now() + timedelta(hours=1))
    desk.step()
    desk.modal.finish("fc-1", {"number": 42})
    desk.clock.advance(3_600)
    desk.step()

    assert (desk.job().state, desk.job().reason, desk.modal.cancelled) == ("failed", "expired", ["fc-1"])
    assert (desk.outcomes(), desk.told()) == ([("modal", "lost")], 1)


def test_a_store_that_is_away_costs_no_attempt(desk: Desk) -> None:
    """What was computed is computed again once it is back."""
    desk.ask(input=desk.jobs.keep_input(b"abc"), attempts_max=1)
    desk.objects.away = True
    with pytest.raises(ObjectsUnavailable):
        desk.step()
    desk.objects.away = False
    desk.step()

    assert desk.outcomes() == [("in_process", "not_made"), ("in_process", "completed")]
    assert desk.jobs.output(desk.job()) == b"cba"


def test_a_function_that_nobody_knows_parks_its_task(desk: Desk) -> None:
    """The version that has it may be deployed, and the task replayed."""
    desk.ask(function="triple")
    with pytest.raises(FunctionUnknown):
        desk.step()

    assert (desk.task()["state"], desk.outcomes()) == ("parked", [("in_process", "not_made")])


def test_a_word_hastens_the_next_look_once(desk: Desk) -> None:
    """Of the newest attempt, and only the first; one that comes during a look is seen before the pause."""
    desk.ask(work=LARGE)
    desk.step()
    desk.clock.advance(600)
    paused = desk.step()
    woken = [desk.wake(), desk.wake(), desk.wake(attempt=7)]
    due = desk.task()["run_at"] - desk.clock.now()
    soon = desk.step()
    desk.clock.advance(30)
    later, repeated = desk.step(), desk.wake()

    assert repeated is False
    assert paused == Retry(60.0, "no result yet")
    assert (woken, due) == ([True, False, False], timedelta(0))
    assert [step.after_s for step in (soon, later) if isinstance(step, Retry)] == [1.0, 60.0]


def test_a_word_during_a_look_is_not_slept_over(desk: Desk) -> None:
    """The task is held then, so its time cannot be moved; the look itself notices."""
    desk.ask(work=LARGE)
    desk.step()
    desk.clock.advance(600)
    fence = desk.claim()
    woken = desk.wake()
    outcome = desk.offload.advance(desk.job().id, fence, desk.check)

    assert (woken, outcome) == (False, Retry(1.0, "no result yet"))


def test_a_word_about_what_has_ended_wakes_nobody(desk: Desk) -> None:
    """Neither the job nor its task moves."""
    desk.ask()
    desk.step()

    assert (desk.wake(), desk.task()["state"]) == (False, "done")
