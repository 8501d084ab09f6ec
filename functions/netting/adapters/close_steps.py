"""The task that frees what a withdrawal held which can never land."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.tasks import TaskSpec

CLOSE: Final = "netting.close_withdrawal"
#: What is reserved stays so until the chain can be read, however long that takes.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class CloseWithdrawal:
    """The payload: a withdrawal that expired."""

    wallet_transaction: UUID


def close_task(transaction_id: UUID, now: datetime) -> TaskSpec:
    """The task that frees what an expired withdrawal held."""
    return TaskSpec(
        kind=CLOSE,
        business_key=f"netting:wallet:{transaction_id}:close",
        payload={"wallet_transaction": str(transaction_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
