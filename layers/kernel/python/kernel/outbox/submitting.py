"""Owns the task that submits an entry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from kernel.tasks import TaskSpec

# Asking to look again costs no attempt, so this bounds failures only. A transaction must not be given up because an
# RPC provider was away for an hour: on EVM its nonce holds up all later ones.
ATTEMPTS_MAX: Final = 1_000


class Intent(Protocol):
    """What both rooms' intents say of their task."""

    @property
    def business_key(self) -> str:
        """The obligation's own name."""
        ...

    @property
    def task_kind(self) -> str:
        """The kind of the task that submits it."""
        ...

    @property
    def correlation_id(self) -> str | None:
        """The chain of work that it belongs to."""
        ...


def submit_task(intent: Intent, entry_id: UUID, now: datetime, resend_s: Sequence[int] = ()) -> TaskSpec:
    """The task of an obligation that is recorded now."""
    return TaskSpec(
        kind=intent.task_kind,
        business_key=intent.business_key,
        payload={"entry_id": str(entry_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        resend_s=tuple(resend_s),
        correlation_id=intent.correlation_id,
    )
