"""Work on one proof: make it or have it computed, have the exchange itself verify it, and only then store it."""

from functions.barter.adapters.steps import ProveStep
from functions.barter.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ProveStep], deps: Deps) -> Outcome:
    return deps.proving.advance(task.payload, fence=task.fence)
