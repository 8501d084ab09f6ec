"""Bring one batch onto the chain, settlement by settlement, and tell the program its root."""

from functions.netting.adapters.settle_steps import SettleBatch
from functions.netting.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[SettleBatch], deps: Deps) -> Outcome:
    found = deps.settling.look(task.payload)

    return deps.settling.take(found, fence=task.fence)
