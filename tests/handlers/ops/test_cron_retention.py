"""Every hour: tasks, webhooks and jobs that ended a month ago are removed."""

import json
from pathlib import Path

import pytest

from functions.ops.cron_retention import handler
from functions.ops.wiring import ROLE, Deps
from kernel.errors import NotFound
from kernel.offload import Job, Work
from kernel.tasks import Done, Task, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/cron_retention.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("age_days", "is_kept"), [(29, True), (31, False)])
def test_a_finished_task_is_kept_for_thirty_days(database_url: str, age_days: int, is_kept: bool) -> None:
    """Counted from its end to the tick."""
    clock = FakeClock()
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    [task_id] = kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=clock.now())]
    )
    task = kernel.tasks.claim(task_id, "w", 30)
    assert isinstance(task, Task)
    kernel.tasks.finish(task.fence, Done())
    clock.advance(age_days * 86_400)

    answer = handler.bind(Deps(kernel))(EVENT | {"time": clock.now().isoformat()}, None)

    assert answer == {"status": "done"}
    if is_kept:
        assert kernel.tasks.get(task_id).state == "done"
    else:
        with pytest.raises(NotFound):
            kernel.tasks.get(task_id)


@pytest.mark.parametrize(("age_days", "kept"), [(29, 1), (31, 0)])
def test_a_webhook_that_ended_is_kept_for_thirty_days(database_url: str, age_days: int, kept: int) -> None:
    """With what each receiver had of it."""
    clock = FakeClock()
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    deps = Deps(kernel)
    endpoint_id = deps.webhook_endpoints.create(
        owner="service:ops", url="https://hooks.example.org/", topics=["ops.*"], actor="a test"
    ).endpoint_id
    with kernel.postgres.transaction() as tx:
        kernel.webhooks.publish(tx, "ops.transfer_ended", "one", {})
        tx.execute("update kernel.webhook_deliveries set state = 'failed', ended_at = %(now)s", now=clock.now())
    clock.advance(age_days * 86_400)

    handler.bind(deps)(EVENT | {"time": clock.now().isoformat()}, None)

    assert kept == len(deps.deliveries.recent(endpoint_id))


@pytest.mark.parametrize(("age_days", "kept"), [(29, ["ended", "open"]), (31, ["open"])])
def test_a_job_that_ended_is_kept_for_thirty_days(database_url: str, age_days: int, kept: list[str]) -> None:
    """With its attempts; one that is under way stays, however old."""
    clock = FakeClock()
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    with kernel.postgres.transaction() as tx:
        for key in ("ended", "open"):
            work = Work(units=1, in_process_units_per_s=1, gpu_units_per_s=1)
            kernel.jobs.submit(tx, Job(business_key=key, service="ops", function="f", arguments={}, work=work))
        tx.execute(
            """insert into kernel.offload_attempts
            select id, 1, 'modal', 0, 0, 1, recorded_at, recorded_at from kernel.offload_jobs"""
        )
        tx.execute(
            """update kernel.offload_jobs set state = 'failed', ended_at = recorded_at
            where business_key = 'ended'"""
        )
    clock.advance(age_days * 86_400)

    handler.bind(Deps(kernel))(EVENT | {"time": clock.now().isoformat()}, None)
    jobs = {key: kernel.jobs.job_of(key) for key in ("ended", "open")}
    kernel.close()

    assert dict.fromkeys(kept, 1) == {key: len(job.attempts) for key, job in jobs.items() if job}
