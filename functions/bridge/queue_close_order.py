"""Ask the escrow whether it has closed one order: then the order is completed, and its repayment booked."""

from functions.bridge.adapters.steps import OrderStep
from functions.bridge.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[OrderStep], deps: Deps) -> Outcome:
    found = deps.closing.look(task.payload)

    return deps.closing.take(task.payload, found, fence=task.fence)
