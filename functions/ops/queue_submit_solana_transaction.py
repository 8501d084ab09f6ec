"""Bring one transfer of the treasury onto a Solana cluster: sign, store, broadcast, confirm; then book its end."""

from functions.ops.wiring import SignerDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.outbox.solana import SubmitSolanaTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_signer_deps)
def handler(task: Task[SubmitSolanaTransaction], deps: SignerDeps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    transfer = deps.treasury.transfer_of(task.payload.entry_id)
    outbox = deps.chains.solana_outbox(transfer.chain, transfer.sender)

    return outbox.advance(transfer.entry_id, task.fence, deps.solana_ended)
