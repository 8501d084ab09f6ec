"""Claim what is claimable of one origin, together where that is cheaper."""

from functions.bridge.adapters.steps import ClaimSlot
from functions.bridge.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ClaimSlot], deps: Deps) -> Outcome:
    claims = deps.claiming.look(task.payload)

    return deps.claiming.take(claims, fence=task.fence)
