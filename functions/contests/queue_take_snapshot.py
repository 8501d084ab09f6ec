"""Value every portfolio of a running contest: one of its snapshots, every 15 seconds."""

from functions.contests.adapters.life_steps import TakeSnapshot
from functions.contests.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[TakeSnapshot], deps: Deps) -> Outcome:
    return deps.snapshots.take(task.payload.contest, task.payload.number, task.fence)
