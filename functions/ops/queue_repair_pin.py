"""Bring one pin to the pinning services that do not hold it yet."""

from dataclasses import dataclass

from functions.ops.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@dataclass(frozen=True, slots=True)
class RepairPin:
    """Which pin: that of this business key."""

    business_key: str


@task_handler(build_deps)
def handler(task: Task[RepairPin], deps: Deps) -> Outcome:
    return deps.replication.advance(task.payload.business_key, task.fence)
