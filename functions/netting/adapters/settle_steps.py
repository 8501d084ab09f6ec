"""The task that settles a batch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.netting.core.batch import business_key
from kernel.correlation import current
from kernel.tasks import TaskSpec

SETTLE: Final = "netting.settle_batch"
#: What cannot be done now fails for reasons of the surroundings: a batch is not forgotten because an RPC was away.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class SettleBatch:
    """The payload: a batch, to be brought onto the chain settlement by settlement."""

    batch: UUID


def settle(batch: UUID, run_at: datetime) -> TaskSpec:
    """The task that settles a batch, once: "netting:<batch>:settle"."""
    return TaskSpec(
        kind=SETTLE,
        business_key=business_key(batch, "settle"),
        payload={"batch": str(batch)},
        run_at=run_at,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
