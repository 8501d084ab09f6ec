"""Owns the word of a GPU function that an attempt of a job is over, as gpu/carrier.py says it (pure).

It names the attempt and nothing else: what came of it is asked for, never told.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from functions.ops.core.hooks.fields import DeliveryUnfit, quantity, text

ATTEMPT_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class OffloadNotice:
    """Somebody says that this attempt of this job has ended."""

    job_id: UUID
    attempt: int


def notice_of(payload: Any) -> OffloadNotice:
    """What a delivery tells. Raises DeliveryUnfit."""
    try:
        job_id = UUID(text(payload, "job_id", ""))
    except ValueError:
        raise DeliveryUnfit("job_id", "is no UUID") from None
    attempt = quantity(payload, "attempt", "")
    if attempt > ATTEMPT_MAX:
        raise DeliveryUnfit("attempt", "is no number of an attempt")
    return OffloadNotice(job_id, attempt)
