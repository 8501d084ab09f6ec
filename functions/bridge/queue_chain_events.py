"""Take what an origin's cursor or a webhook tells of its escrow: a deposit is read again, then indexed or forgotten."""

from functions.bridge.adapters.indexing import ToldDeposit
from functions.bridge.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ToldDeposit], deps: Deps) -> Outcome:
    told = task.payload

    found = deps.indexing.look(told)

    return deps.indexing.take(told, found, fence=task.fence)
