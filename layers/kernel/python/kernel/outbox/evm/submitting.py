"""Owns the task that submits an entry."""

from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.outbox.evm.entries import EvmIntent
from kernel.tasks import TaskSpec

# Asking to look again costs no attempt, so this bounds failures only. A transaction must not be given up because an
# RPC provider was away for an hour: its nonce holds up all later ones.
ATTEMPTS_MAX: Final = 1_000


def submit_task(intent: EvmIntent, entry_id: UUID, now: datetime) -> TaskSpec:
    """The task of an obligation that is recorded now."""
    return TaskSpec(
        kind=intent.task_kind,
        business_key=intent.business_key,
        payload={"entry_id": str(entry_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        resend_s=intent.resend_s,
        correlation_id=intent.correlation_id,
    )
