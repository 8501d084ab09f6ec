"""Look at one exchange: follow it, see to its proof, and end its phase once the time of that is over."""

from functions.barter.adapters.steps import LookStep
from functions.barter.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[LookStep], deps: Deps) -> Outcome:
    seen = deps.following.see(task.payload)

    return deps.following.take(task.payload, seen, fence=task.fence)
