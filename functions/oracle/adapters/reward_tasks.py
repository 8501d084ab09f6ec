"""Work about rewards as durable tasks, and back."""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.oracle.core.reward_plan import Planned
from kernel.tasks import TaskSpec

#: A look that finds nothing to do yet costs no attempt; these are for what fails.
ATTEMPTS_MAX = 50


@dataclass(frozen=True, slots=True)
class RecordRound:
    """The payload of a record's task."""

    voting_round: int


@dataclass(frozen=True, slots=True)
class EpochTask:
    """The payload of the tasks about a reward epoch."""

    reward_epoch: int


def reward_specs(planned: Iterable[Planned]) -> list[TaskSpec]:
    """One task each, unique by kind and key."""
    return [
        TaskSpec(
            kind=one.kind,
            business_key=one.business_key,
            payload=one.payload,
            run_at=one.run_at,
            attempts_max=ATTEMPTS_MAX,
        )
        for one in planned
    ]
