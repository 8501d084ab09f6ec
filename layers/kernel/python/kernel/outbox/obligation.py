"""Owns what an entry of either room is: an obligation, what was signed for it, and how long it has been waiting."""

import logging
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

logger = logging.getLogger(__name__)

# A transaction of age t is looked at again after t / 4: early news is read early, and an old case costs little.
PATIENCE: Final = 0.25


class Signed(Protocol):
    """What was signed for an entry."""

    @property
    def signed_at(self) -> datetime:
        """When its bytes were committed."""
        ...


P_co = TypeVar("P_co", bound=Signed, covariant=True)


class Obligation(Generic[P_co]):
    """An entry, as far as its chain does not matter. `payloads` are what was signed, oldest first."""

    __slots__ = ()
    id: UUID
    business_key: str
    valid_until: datetime | None
    alarm: str | None
    recorded_at: datetime
    payloads: tuple[P_co, ...]

    @property
    def latest(self) -> P_co | None:
        """The payload that was signed last."""
        return self.payloads[-1] if self.payloads else None

    def expired(self, now: datetime) -> bool:
        """True when the effect is no longer wanted."""
        return self.valid_until is not None and now >= self.valid_until

    def waited_s(self, now: datetime) -> float:
        """For how long it has waited: for a block with its newest payload, or for its first signature."""
        since = self.recorded_at if self.latest is None else self.latest.signed_at
        return (now - since).total_seconds()

    def pause_s(self, now: datetime, *, shortest_s: float, longest_s: float) -> float:
        """Seconds until the next look, within these bounds."""
        return min(max(self.waited_s(now) * PATIENCE, shortest_s), longest_s)


def raise_alarm(entry: Obligation[Any], alarm: str | None) -> None:
    """Log an alarm that the entry does not carry yet, at ERROR and under a stable key."""
    if alarm is not None and alarm != entry.alarm:
        logger.error(
            "An outbox entry needs a person.",
            extra={"alarm": f"outbox.{alarm}", "entry_id": str(entry.id), "business_key": entry.business_key},
        )
