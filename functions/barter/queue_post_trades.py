"""Post the trades of one proof: look once more, then record the transaction in the commit that says it will be made."""

from functions.barter.adapters.steps import PostStep
from functions.barter.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[PostStep], deps: Deps) -> Outcome:
    found = deps.posting.look(task.payload)

    return deps.posting.take(found, fence=task.fence)
