"""Check one wallet: open its books, reconcile them with the chain, alarm what is wrong, top up what is low."""

from functions.ops.adapters.wallet_checks import CheckWallet
from functions.ops.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Done, Outcome, Skipped, Task


@task_handler(build_deps)
def handler(task: Task[CheckWallet], deps: Deps) -> Outcome:
    found = deps.checks.check(task.payload.chain, task.payload.address)

    if found is None:
        return Skipped("the wallet has transactions from before in flight; its books cannot begin")
    return Done({"verdict": found.verdict, "difference": str(found.amount)})
