"""Take a transaction of the program that its cursor or a webhook tells of: read it again, keep and post what it did."""

from functions.netting.adapters.told_events import ToldTransaction
from functions.netting.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ToldTransaction], deps: Deps) -> Outcome:
    told = task.payload

    found = deps.transfers_seen.look(told)

    return deps.transfers_seen.take(found, fence=task.fence)
