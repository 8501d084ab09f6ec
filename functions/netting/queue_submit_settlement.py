"""Bring one of the authority's transactions onto the cluster: sign, store, broadcast, confirm; then book its end."""

from functions.netting.wiring import SignerDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.outbox.solana import SubmitSolanaTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_signer_deps)
def handler(task: Task[SubmitSolanaTransaction], deps: SignerDeps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    return deps.outbox.advance(task.payload.entry_id, task.fence, deps.ends.settled)
