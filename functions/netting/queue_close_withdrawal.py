"""Free what an expired withdrawal held: read its account again, keep what it says, release the reservation."""

from functions.netting.adapters.close_steps import CloseWithdrawal
from functions.netting.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[CloseWithdrawal], deps: Deps) -> Outcome:
    step = task.payload

    found = deps.wallets.closing.look(step)

    return deps.wallets.closing.take(step, found, fence=task.fence)
