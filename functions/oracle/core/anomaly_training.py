"""Owns what the model of a week is grown from and tried on: two spans of time that do not touch, and rounds of them.

The week of a moment began on Monday at midnight, UTC. Its model is grown from the six days that ended a day before, and
tried on that day: nothing that it is judged by was there when it grew. Both spans are over when the week begins, so
whoever asks first in that week, and whoever asks again, asks for the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

T = TypeVar("T")
GROWN_FROM: Final = timedelta(days=7)
TRIED_FROM: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A week and its two spans, both half-open: [grown_from, tried_from) and [tried_from, week_begins)."""

    week: str
    grown_from: datetime
    tried_from: datetime
    week_begins: datetime

    @property
    def seed(self) -> int:
        """Of the forest and of the attacks: the week's Monday as a number."""
        return int(self.week_begins.timestamp()) // 86_400


def term_of(now: datetime) -> Term:
    """The term of the week that a moment is in."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    year, week, _ = monday.isocalendar()
    return Term(
        week=f"{year}-W{week:02d}",
        grown_from=monday - GROWN_FROM,
        tried_from=monday - TRIED_FROM,
        week_begins=monday,
    )


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most so many of the items, as evenly as can be, in their order."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]
