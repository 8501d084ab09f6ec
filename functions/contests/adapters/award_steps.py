"""The task that gives what an evaluated contest has brought to its players."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.tasks import TaskSpec

AWARD: Final = "contests.award_achievements"


@dataclass(frozen=True, slots=True)
class AwardContest:
    """The payload: a contest that was evaluated."""

    contest: UUID


def award_task(contest_id: UUID, now: datetime) -> TaskSpec:
    """One a contest."""
    return TaskSpec(
        kind=AWARD,
        business_key=f"contests:{contest_id}:award",
        payload={"contest": str(contest_id)},
        run_at=now,
        correlation_id=current(),
    )
