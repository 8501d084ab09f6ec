"""queue_grow_forest: a job in; a checked forest and the task of its trial out."""

import pytest

from functions.oracle.cron_grow_forest import handler as ask
from functions.oracle.queue_grow_forest import handler
from functions.oracle.wiring import Deps
from gpu.catalogue import find, problem_of
from kernel.offload import Computed
from kernel.offload.objects import read
from tests.handlers.oracle.provider import Context, pass_time, scheduled_event
from tests.handlers.oracle.weeks import Week

pytestmark = pytest.mark.handlers


@pytest.fixture
def week(offline: Deps) -> Week:
    """A week whose model was asked for."""
    week = Week(offline)
    week.fill()
    ask.bind(offline)(scheduled_event(offline.clock.now()), Context())
    return week


def test_a_forest_grows_and_is_checked_and_its_trial_is_asked_for(week: Week) -> None:
    """With the same seed it would be the same octets; the result says by what it was grown."""
    ended = week.run(handler, "oracle.grow_forest")
    job = week.deps.kernel.jobs.job_of(ended["business_key"])

    assert job is not None
    assert (ended["state"], job.state, [one.outcome for one in job.attempts]) == ("done", "completed", ["completed"])
    assert job.result is not None
    assert str(job.result["grown_by"]).startswith("scikit-learn ")
    output, input_ = week.deps.kernel.jobs.output(job), job.input
    assert input_ is not None
    run = find("isolation_forest")
    assert run is not None
    assert run(job.arguments, read(week.deps.kernel.objects, input_)) == (job.result, output)
    with week.deps.kernel.postgres.transaction() as tx:
        asked = tx.one("select payload, state from kernel.tasks where kind = 'oracle.try_forest'")
    assert asked == {"payload": {"job_id": str(job.id)}, "state": "ready"}


def test_a_job_that_nobody_could_do_in_time_is_told_of(week: Week) -> None:
    """Its trial is asked for all the same, and says that there is nothing."""
    pass_time(week.deps, 3 * 86_400)
    ended = week.run(handler, "oracle.grow_forest")
    job = week.deps.kernel.jobs.job_of(ended["business_key"])

    assert job is not None
    assert (job.state, job.reason) == ("failed", "expired")


def test_what_is_no_forest_is_not_believed() -> None:
    """The check that comes with the function."""
    computed = Computed(function="isolation_forest", arguments={}, result={}, output=b"", input=lambda: b"")
    assert problem_of(computed) == "the arguments are not those of a plan"
