"""Owns when a failed order is tried again: after five minutes, then twice as long each time, up to a cap, then never.

What is never tried again by itself is parked: a person looks at its errors and lets it go on. What has not failed and
only waits is looked at for ever, after pauses that grow with its wait.
"""

from datetime import datetime, timedelta
from typing import Final

FIRST_S: Final = 300
CAP_S: Final = 6 * 3_600
ATTEMPTS_MAX: Final = 10
WAIT_CAP_S: Final = 300.0


def next_attempt_at(now: datetime, attempts: int) -> datetime | None:
    """When to try again after so many failures in a row, this one included; None for parking."""
    if attempts < 1:
        raise ValueError(f"failures are counted from 1, not {attempts}")
    if attempts >= ATTEMPTS_MAX:
        return None
    return now + timedelta(seconds=min(CAP_S, FIRST_S * 2 ** (attempts - 1)))


def growing_s(first_s: float, waited_s: float) -> float:
    """How long to wait for more: a quarter of what was waited already, from the first pause up to a cap."""
    return max(first_s, min(WAIT_CAP_S, waited_s / 4))
