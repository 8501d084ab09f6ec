"""Bring one transaction of the settler onto the chain: sign, store, broadcast, confirm, replace; then book its end."""

from functions.barter.wiring import SignerDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.outbox.evm import SubmitTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_signer_deps)
def handler(task: Task[SubmitTransaction], deps: SignerDeps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    return deps.outbox.advance(task.payload.entry_id, task.fence, deps.settling.settled, deps.rechecking.unwanted)
