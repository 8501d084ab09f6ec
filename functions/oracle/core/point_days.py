"""Owns when a day of raw points is exported, where its file lies, and what makes the file good.

1. A day is exported once all of it is EXPORT_AFTER old, and counted again a day before it may be dropped: when points
   came to it since, it is exported anew, as its next generation.
2. The file's name is made of what is in it, so that whoever does it again writes the same file, and a file that nobody
   recorded is in nobody's way.
3. The file is good when what is read back from the bucket has the count and the digest of what was read from Postgres.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from functions.oracle.core.stored_points import PointsDigest
from kernel.errors import Transient

EXPORT_AFTER: Final = timedelta(days=7)
#: As the table is registered; the day goes with the first maintenance after.
KEPT: Final = timedelta(days=30)
RECOUNT_AFTER: Final = KEPT - timedelta(days=1)
#: 20 000 points of 63 feeds at ten venues; read in one statement.
PAGE: Final = timedelta(minutes=10)
_NAMED_BY_BYTES: Final = 8


class ExportUnlike(Transient):
    """What lies in the bucket is not what was put there."""

    cause = "The file was cut off, garbled or replaced on its way, or what writes Parquet and what reads it differ."
    remedy = "It is exported again by itself; when it is parked, compare counts and digests in details."


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsDay:
    """A day of raw points as a file in the bucket. Digests are SHA-256: of the points' lines, and of the file."""

    day: date
    generation: int
    object_key: str
    points: int
    points_digest: bytes
    object_digest: bytes
    size_bytes: int


def due_before(now: datetime) -> date:
    """Days before this one are exported: all of their points are old enough."""
    return (now - EXPORT_AFTER).astimezone(UTC).date()


def recounted_before(now: datetime) -> date:
    """Days before this one are counted again."""
    return (now - RECOUNT_AFTER).astimezone(UTC).date()


def begin_of_day(day: date) -> datetime:
    """Its first moment."""
    return datetime.combine(day, time(), UTC)


def pages_of(day: date) -> Iterator[tuple[datetime, datetime]]:
    """A day in stretches [start, stop) that are read one at a time, in order."""
    start, stop = begin_of_day(day), begin_of_day(day + timedelta(days=1))
    while start < stop:
        yield start, min(start + PAGE, stop)
        start += PAGE


def object_key(day: date, points_digest: bytes) -> str:
    """Where a day's file lies."""
    return f"points/{day:%Y}/{day.isoformat()}-{points_digest[:_NAMED_BY_BYTES].hex()}.parquet"


def confirm(day: date, written: PointsDigest, found: PointsDigest) -> None:
    """Nothing, if what was read back is what was written. Raises ExportUnlike."""
    if (written.points, written.value) != (found.points, found.value):
        raise ExportUnlike(
            day=day.isoformat(),
            written_points=written.points,
            found_points=found.points,
            written=written.value.hex(),
            found=found.value.hex(),
        )
