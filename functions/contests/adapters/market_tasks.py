"""The tasks of the market: two looks at the lists of tokens a minute, and four at the prices that are due."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from kernel.correlation import current
from kernel.tasks import TaskSpec

SYNC: Final = "contests.sync_token_list"
REFRESH: Final = "contests.refresh_market"
SYNC_EVERY_S: Final = 30
REFRESH_EVERY_S: Final = 15


@dataclass(frozen=True, slots=True)
class MarketSlot:
    """The payload: the moment that it is for, in Unix seconds."""

    slot: int

    @property
    def moment(self) -> datetime:
        """As a time."""
        return datetime.fromtimestamp(self.slot, UTC)


def sync_tasks(minute: datetime) -> list[TaskSpec]:
    """The looks at the lists of a minute, as "contests:tokens:1795262400"."""
    return _tasks(SYNC, "contests:tokens", minute, SYNC_EVERY_S)


def refresh_tasks(minute: datetime) -> list[TaskSpec]:
    """The looks at prices of a minute, as "contests:market:1795262400"."""
    return _tasks(REFRESH, "contests:market", minute, REFRESH_EVERY_S)


def _tasks(kind: str, stem: str, minute: datetime, every_s: int) -> list[TaskSpec]:
    moments = [minute + timedelta(seconds=second) for second in range(0, 60, every_s)]
    return [
        TaskSpec(
            kind=kind,
            business_key=f"{stem}:{int(moment.timestamp())}",
            payload={"slot": int(moment.timestamp())},
            run_at=moment,
            # The next look finds what this one missed.
            expires_at=moment + timedelta(seconds=every_s),
            attempts_max=2,
            correlation_id=current(),
        )
        for moment in moments
    ]
