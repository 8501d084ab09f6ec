"""Collections of prices as durable tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.oracle.core.feeds import Feed
from kernel.tasks import TaskSpec

MINUTE_S = 60
# A collection that comes later than this tells nothing that the next one does not.
PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class CollectPrices:
    """The payload of a collection: the bases to ask the venues for."""

    bases: tuple[str, ...]


def collections_of(minute: datetime, feeds: Sequence[Feed], *, every_s: int) -> list[TaskSpec]:
    """The collections of one minute, `every_s` seconds apart, each unique by its moment."""
    bases = sorted({feed.name.split("/")[0] for feed in feeds})
    moments = [minute + timedelta(seconds=second) for second in range(0, MINUTE_S, every_s)]
    return [
        TaskSpec(
            kind="oracle.collect",
            business_key=moment.isoformat(timespec="seconds"),
            payload={"bases": bases},
            run_at=moment,
            expires_at=moment + timedelta(seconds=PATIENCE_S),
            attempts_max=2,
        )
        for moment in moments
    ]
