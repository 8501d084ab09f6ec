"""EventBridge schedule expressions, evaluated per minute in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

RATE = re.compile(r"^rate\((\d+) (minute|hour|day)s?\)$")
CRON = re.compile(r"^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$")
UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # EventBridge counts from 1 = Sunday
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


class BadSchedule(Exception):
    """A schedule expression is neither rate(n unit) nor cron(minutes hours day month weekday year)."""

    def __init__(self, expression: str) -> None:
        super().__init__(f"{expression} is neither rate(n unit) nor cron(minutes hours day month weekday year)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed expression: a whole number of minutes, or six sets of allowed values."""

    every_minutes: int | None
    fields: tuple[frozenset[int], ...]

    @classmethod
    def parse(cls, expression: str) -> Schedule:
        """Parse ``rate(...)`` or ``cron(...)``; L, W and # are not supported and refused."""
        if match := RATE.match(expression):
            return cls(int(match[1]) * UNIT_MINUTES[match[2]], ())
        if match := CRON.match(expression):
            return cls(None, tuple(_values(text, index, expression) for index, text in enumerate(match.groups())))
        raise BadSchedule(expression)

    def due(self, minute: datetime) -> bool:
        """Whether the schedule fires in the minute that begins at ``minute`` (UTC). Rates count from the epoch."""
        if self.every_minutes is not None:
            return int(minute.timestamp()) // 60 % self.every_minutes == 0
        weekday = minute.isoweekday() % 7 + 1
        moment = (minute.minute, minute.hour, minute.day, minute.month, weekday, minute.year)
        return all(value in allowed for value, allowed in zip(moment, self.fields, strict=True))


def _values(text: str, index: int, expression: str) -> frozenset[int]:
    low, high = BOUNDS[index]
    allowed: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        else:
            start, _, end = span.partition("-")
            first = _number(start, index, expression)
            last = _number(end, index, expression) if end else (high if step else first)
        allowed.update(range(first, last + 1, int(step or 1)))
    if not allowed or min(allowed) < low or max(allowed) > high:
        raise BadSchedule(expression)
    return frozenset(allowed)


def _number(text: str, index: int, expression: str) -> int:
    names = {3: MONTHS, 4: WEEKDAYS}.get(index, ())
    if text in names:
        return names.index(text) + 1
    if not text.isdigit():
        raise BadSchedule(expression)
    return int(text)
