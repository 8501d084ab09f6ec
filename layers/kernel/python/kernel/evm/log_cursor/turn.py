"""Owns what a turn along a chain of blocks counts and says, whichever family the chain is of."""

import logging
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from kernel.evm.log_cursor.reorganisation import Step, Track
from kernel.evm.log_cursor.watch import Pause, Progress

logger = logging.getLogger(__name__)

#: The alarm of a place whose chain left ours below all that is remembered.
TOO_DEEP: Final = "reorganisation_too_deep"


class AnyPlace(Protocol):
    """Where a cursor stands."""

    @property
    def track(self) -> Track:
        """What it remembers."""
        ...

    @property
    def alarm(self) -> str | None:
        """What a person has to see to."""
        ...


P = TypeVar("P", bound=AnyPlace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Generic[P]):
    """What one commit did."""

    place: P
    events: int
    retractions: int


@dataclass(slots=True)
class Tally(Generic[P]):
    """What a turn has done so far."""

    place: P
    blocks: int = 0
    events: int = 0
    retractions: int = 0

    def add(self, step: Step, moved: Moved[P]) -> None:
        """Count a commit."""
        self.place = moved.place
        self.blocks += len(step.taken)
        self.events += moved.events
        self.retractions += moved.retractions

    def progress(self, pause: Pause) -> Progress:
        """The turn's result."""
        return Progress(
            pause=pause,
            next_block=self.place.track.next_number,
            blocks=self.blocks,
            events=self.events,
            retractions=self.retractions,
            alarm=self.place.alarm,
        )


def tell(watch: str, step: Step, moved: Moved[P]) -> None:
    """Log that the chain was reorganised, if it was."""
    fields = {"watch": watch, "next_block": moved.place.track.next_number, "dropped": len(step.dropped)}
    if step.is_too_deep:
        logger.error(
            "The chain was reorganised deeper than is remembered; it is read again from the oldest block kept.",
            extra={"alarm": f"cursor.{TOO_DEEP}"} | fields,
        )
    elif step.dropped:
        logger.warning("The chain was reorganised.", extra=fields | {"retractions": moved.retractions})
