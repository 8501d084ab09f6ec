"""The tasks that net: two a minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.correlation import current
from kernel.tasks import TaskSpec

NET: Final = "netting.net_batch"
EVERY_S: Final = 30
#: From then on others have taken its place.
EXPIRES_AFTER: Final = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class NetSlot:
    """The payload: the half minute that it is for, in Unix seconds."""

    slot: int


def net_tasks(minute: datetime) -> list[TaskSpec]:
    """The tasks of a minute that begins then: at its beginning and in its middle, as "netting:net:1795262400"."""
    return [_net_task(minute + timedelta(seconds=second)) for second in range(0, 60, EVERY_S)]


def _net_task(moment: datetime) -> TaskSpec:
    slot = int(moment.timestamp()) // EVERY_S * EVERY_S
    return TaskSpec(
        kind=NET,
        business_key=f"netting:net:{slot}",
        payload={"slot": slot},
        run_at=moment,
        expires_at=moment + EXPIRES_AFTER,
        correlation_id=current(),
    )
