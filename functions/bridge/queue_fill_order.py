"""Fill one order: look once more, then record the payment in the commit that says that it will be made."""

from functions.bridge.adapters.steps import OrderStep
from functions.bridge.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[OrderStep], deps: Deps) -> Outcome:
    order = deps.deciding.renewed(task.payload, deps.limits, fence=task.fence)

    facts = deps.filling.look(order)

    return deps.filling.take(task.payload, facts, deps.limits, fence=task.fence)
