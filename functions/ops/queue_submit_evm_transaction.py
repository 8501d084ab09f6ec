"""Bring one transfer of the treasury onto an EVM chain: sign, store, broadcast, confirm, replace; then book its end."""

from functions.ops.wiring import SignerDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.outbox.evm import SubmitTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_signer_deps)
def handler(task: Task[SubmitTransaction], deps: SignerDeps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    entry_id = task.payload.entry_id
    outbox = deps.chains.evm_outbox_of(entry_id)

    return outbox.advance(entry_id, task.fence, deps.evm_ended)
