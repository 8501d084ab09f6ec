"""Give a contest its wallet: a vanity address, a generated one, or one that is made for it."""

from functions.contests.adapters.wallet_steps import AssignWallet
from functions.contests.wiring import KeyDeps, build_wallets_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_wallets_deps)
def handler(task: Task[AssignWallet], deps: KeyDeps) -> Outcome:
    return deps.wallets.assign(task.payload.contest, task.fence)
