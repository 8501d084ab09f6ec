"""Days of raw points on their way from Postgres into the bucket, and back."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from functions.oracle.core.point_days import (
    ExportUnlike,
    PointsDay,
    confirm,
    due_before,
    object_key,
    pages_of,
    recounted_before,
)
from functions.oracle.core.stored_points import PointsDigest, StoredPoint
from kernel.clock import Clock
from kernel.errors import Broken, Transient
from kernel.hashes import sha256
from kernel.offload.objects import ObjectAbsent, Objects, ObjectsUnusable
from kernel.postgres import Postgres, Queries
from kernel.tasks import Done, Fence, Tasks, TaskSpec

Q: Final = Queries.load(Path(__file__).with_name("point_days.sql"))
#: A day that was not exported by then is asked for again under the same key, which changes nothing: it is parked.
ATTEMPTS_MAX: Final = 8


class PointsCameMeanwhile(Transient):
    """Points came to a day while it was being exported."""

    cause = "A source tells of a time long past, or rows of the default partition were moved into the day."


class PointsBucketUnusable(Broken):
    """The bucket of raw points cannot be used."""

    cause = "It is not named in the settings, is absent, or this role may not use it."
    remedy = "Create the bucket, set COUNTERPART_ORACLE_POINTS_BUCKET, and allow s3:GetObject and s3:PutObject in it."


class PointsDayGone(Broken):
    """The file of a day of raw points is not where it was put, or is not what it was."""

    cause = "The bucket keeps files for two years; or somebody removed or replaced it."
    remedy = "Look at the object's versions under the key in details; younger days are in Postgres as well."


@dataclass(frozen=True, slots=True)
class ExportPoints:
    """The payload of an export."""

    day: date
    generation: int


class ExportedDays:
    """Days of raw points, to be read."""

    def __init__(self, postgres: Postgres, objects: Objects) -> None:
        self._postgres, self._objects = postgres, objects

    def exported(self, day: date) -> PointsDay | None:
        """A day's file, or None while it has none."""
        row = self._postgres.glance.maybe(Q["exported_day"], day=day)
        if row is None:
            return None
        digests = {name: bytes(row[name]) for name in ("points_digest", "object_digest")}
        return PointsDay(**(row | digests))

    def content_of(self, made: PointsDay) -> bytes:
        """The bytes of a day's file as they lie in the bucket. Raises PointsDayGone, PointsBucketUnusable."""
        try:
            content = self._objects.get(made.object_key, made.size_bytes)
        except ObjectAbsent:
            raise PointsDayGone(key=made.object_key) from None
        except ObjectsUnusable as unusable:
            raise PointsBucketUnusable(reason=str(unusable.details.get("reason", ""))) from None
        if sha256(content) != made.object_digest:
            raise PointsDayGone(key=made.object_key)
        return content

    def points_between(self, start: datetime, stop: datetime) -> Iterator[StoredPoint]:
        """What Postgres has of [start, stop)."""
        while start < stop:
            until = min(start + timedelta(minutes=10), stop)
            yield from self._page(start, until)
            start = until

    def _page(self, start: datetime, stop: datetime) -> list[StoredPoint]:
        rows = self._postgres.glance.all(Q["page_of_points"], start=start, stop=stop)
        return [StoredPoint(**row) for row in rows]


class PointDays(ExportedDays):
    """Days of raw points, to be exported."""

    def __init__(self, postgres: Postgres, tasks: Tasks, clock: Clock, objects: Objects) -> None:
        super().__init__(postgres, objects)
        self._tasks, self._clock = tasks, clock

    def plan(self, now: datetime) -> list[TaskSpec]:
        """The exports that are due, each unique by its day and generation."""
        rows = self._postgres.glance.all(
            Q["days_to_export"], due_before=due_before(now), recounted_before=recounted_before(now)
        )
        return [
            TaskSpec(
                kind="oracle.export_points",
                business_key=f"{row['day'].isoformat()}:{row['generation']}",
                payload={"day": row["day"].isoformat(), "generation": row["generation"]},
                run_at=now,
                attempts_max=ATTEMPTS_MAX,
            )
            for row in rows
        ]

    def export(self, day: date, generation: int) -> PointsDay:
        """Put a day's points into the bucket and read them back. Raises ExportUnlike.

        Nothing is recorded yet; whoever does it again writes the same file under the same name.
        """
        from functions.oracle.adapters.parquet import ParquetFile, points_in

        written, found = PointsDigest(), PointsDigest()
        with ParquetFile() as file:
            for start, stop in pages_of(day):
                page = self._page(start, stop)
                written.add(page)
                file.add(page)
            content = file.content()
        made = PointsDay(
            day=day,
            generation=generation,
            object_key=object_key(day, written.value),
            points=written.points,
            points_digest=written.value,
            object_digest=sha256(content),
            size_bytes=len(content),
        )
        self._put(made, content)
        try:
            found.add(points_in(self.content_of(made)))
        except PointsDayGone as unlike:
            raise ExportUnlike(day=day.isoformat(), key=made.object_key) from unlike
        confirm(day, written, found)
        return made

    def record(self, made: PointsDay, *, fence: Fence) -> Done:
        """From now on the day may be dropped when its time comes. Raises PointsCameMeanwhile."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["record_export"], **asdict(made), exported_at=self._clock.now())
            if not tx.one(Q["is_whole"], day=made.day)["whole"]:
                raise PointsCameMeanwhile(day=made.day.isoformat())
            self._tasks.complete(tx, fence, {"points": made.points, "bytes": made.size_bytes})
        return Done()

    def _put(self, made: PointsDay, content: bytes) -> None:
        try:
            self._objects.put(made.object_key, content)
        except ObjectsUnusable as unusable:
            raise PointsBucketUnusable(reason=str(unusable.details.get("reason", ""))) from None
