"""Owns what others see of a circuit: its condition, with durations in place of moments.

A moment means little to a container whose clock differs; "in four seconds" means the same to all of them.
"""

from dataclasses import dataclass
from datetime import datetime

from kernel.breaker.lifecycle import CLOSED, Circuit, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a dependency stood when it was looked at."""

    dependency: str
    state: State = State.INITIALIZING
    version: int = 0
    #: How many failures count.
    failures: int = 0
    #: How often the circuit opened.
    trips: int = 0
    changed_at: datetime | None = None
    #: Seconds until what the state waits for: a probe, the end of one, health. None: it waits for nothing.
    wait_s: float | None = None

    @property
    def is_closed(self) -> bool:
        """Whether calls are made."""
        return self.state in CLOSED


def condition_of(circuit: Circuit, now: datetime) -> Condition:
    """The circuit as others see it at a moment."""
    return Condition(
        dependency=circuit.dependency,
        state=circuit.state,
        version=circuit.version,
        failures=len(circuit.failures),
        trips=circuit.trips,
        changed_at=circuit.changed_at,
        wait_s=None if circuit.due_at is None else (circuit.due_at - now).total_seconds(),
    )
