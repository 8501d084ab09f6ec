"""Decide about one order with fresh facts: fill it, look again later, or never."""

from functions.bridge.adapters.steps import OrderStep
from functions.bridge.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[OrderStep], deps: Deps) -> Outcome:
    facts = deps.deciding.look(task.payload)

    return deps.deciding.take(task.payload, facts, deps.limits, fence=task.fence)
