"""Phases of voting rounds as durable tasks, and back."""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.oracle.core.phases import Phase
from kernel.tasks import TaskSpec

# A round's window closes on its own, so a task is tried as long as it has time.
ATTEMPTS_MAX = 50


@dataclass(frozen=True, slots=True)
class RoundTask:
    """The payload of every phase's task."""

    voting_round: int


def task_specs(phases: Iterable[Phase]) -> list[TaskSpec]:
    """One task a phase, unique by kind, network and round."""
    return [
        TaskSpec(
            kind=phase.kind,
            business_key=phase.business_key,
            payload=phase.payload,
            run_at=phase.run_at,
            expires_at=phase.expires_at,
            attempts_max=ATTEMPTS_MAX,
            resend_s=phase.resend_s,
        )
        for phase in phases
    ]
