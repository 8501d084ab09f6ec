"""Bring one of the contests' transactions onto the cluster: sign, store, broadcast, confirm; then book its end."""

from functions.contests.wiring import KeyDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.outbox.solana import SubmitSolanaTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_signer_deps)
def handler(task: Task[SubmitSolanaTransaction], deps: KeyDeps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    return deps.effects.advance(task.payload.entry_id, task.fence, deps.ends.settled)
