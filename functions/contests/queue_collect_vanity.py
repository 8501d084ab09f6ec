"""Take in a vanity address that somebody has found: open its key, derive the address anew, and keep it."""

from functions.contests.wiring import KeyDeps, build_vanity_deps
from kernel.handler import task_handler
from kernel.offload import PollOffload
from kernel.tasks import Outcome, Task


@task_handler(build_vanity_deps)
def handler(task: Task[PollOffload], deps: KeyDeps) -> Outcome:
    return deps.vanity_pool.collect(task.payload.job_id, task.fence)
