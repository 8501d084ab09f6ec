"""The task that puts a key into the box in which it leaves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.tasks import TaskSpec

SEAL: Final = "contests.seal_export"


@dataclass(frozen=True, slots=True)
class SealExport:
    """The payload: an export that two others have agreed to."""

    export: UUID


def export_task(export_id: UUID, now: datetime) -> TaskSpec:
    """One an export."""
    return TaskSpec(
        kind=SEAL,
        business_key=f"contests:export:{export_id}:seal",
        payload={"export": str(export_id)},
        run_at=now,
        correlation_id=current(),
    )
