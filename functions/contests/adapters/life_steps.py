"""The tasks of a contest's life: at the exact seconds of its start, its snapshots and its end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from functions.contests.adapters.contests import StoredContest
from functions.contests.core.contest import State
from functions.contests.core.portfolio import SNAPSHOT_S
from functions.contests.core.snapshot import due_at
from kernel.correlation import current
from kernel.tasks import TaskSpec

STEP: Final = "contests.step_contest"
SNAPSHOT: Final = "contests.take_snapshot"
EVALUATE: Final = "contests.evaluate_contest"
#: Prices may be away for long; a contest waits for them.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class StepContest:
    """The payload: a contest whose start or end has come."""

    contest: UUID


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """The payload: which of a contest's snapshots is due."""

    contest: UUID
    number: int


@dataclass(frozen=True, slots=True)
class EvaluateContest:
    """The payload: a contest that is over."""

    contest: UUID


def step_task(contest: StoredContest) -> TaskSpec:
    """The task of a contest's next moment: its start, or once it runs its end."""
    starts = contest.state is State.PENDING
    return TaskSpec(
        kind=STEP,
        business_key=f"contests:{contest.id}:{'start' if starts else 'end'}",
        payload={"contest": str(contest.id)},
        run_at=contest.starts_at if starts else contest.ends_at,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )


def snapshot_tasks(contest: StoredContest, numbers: Iterable[int]) -> list[TaskSpec]:
    """One task a snapshot, which is pointless once the next one is due."""
    return [
        TaskSpec(
            kind=SNAPSHOT,
            business_key=f"contests:{contest.id}:snapshot:{number}",
            payload={"contest": str(contest.id), "number": number},
            run_at=due_at(contest.starts_at, number),
            expires_at=due_at(contest.starts_at, number) + timedelta(seconds=SNAPSHOT_S),
            correlation_id=current(),
        )
        for number in numbers
    ]


def evaluate_task(contest_id: UUID, now: datetime) -> TaskSpec:
    """The task that ranks a contest."""
    return TaskSpec(
        kind=EVALUATE,
        business_key=f"contests:{contest_id}:evaluate",
        payload={"contest": str(contest_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
