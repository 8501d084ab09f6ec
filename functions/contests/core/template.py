"""Owns when a template opens a contest: on its days of the week, at its hours, in UTC, some time ahead of the start."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """days: of the week, Monday is 1. hours: of the day. A contest is announced so long before it starts."""

    days: Collection[int]
    hours: Collection[int]
    announced_s: int


def starts(rhythm: Rhythm, now: datetime) -> list[datetime]:
    """The starts that are to be announced by now and have not come yet, the next one first."""
    last = now + timedelta(seconds=rhythm.announced_s)
    start = now.replace(minute=0, second=0, microsecond=0) + HOUR
    found = []
    while start <= last:
        if start.isoweekday() in rhythm.days and start.hour in rhythm.hours:
            found.append(start)
        start += HOUR
    return found
