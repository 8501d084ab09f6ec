"""Start a contest, end it, or cancel it for want of entrants: whatever its clock says."""

from functions.contests.adapters.life_steps import StepContest
from functions.contests.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[StepContest], deps: Deps) -> Outcome:
    return deps.living.step(task.payload.contest, task.fence)
