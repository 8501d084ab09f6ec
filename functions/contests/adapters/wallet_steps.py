"""The task that gives a contest its wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.tasks import TaskSpec

ASSIGN: Final = "contests.assign_wallet"
#: The key service may be away for hours: a contest that has no wallet takes no entry.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class AssignWallet:
    """The payload: a contest that was announced."""

    contest: UUID


def assignment(contest_id: UUID, run_at: datetime) -> TaskSpec:
    """The task that gives a contest its wallet, as "contests:<contest>:wallet"."""
    return TaskSpec(
        kind=ASSIGN,
        business_key=f"contests:{contest_id}:wallet",
        payload={"contest": str(contest_id)},
        run_at=run_at,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
