"""queue_export_points: a day in, a file that was read back and a row out; whatever dies on the way."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from functions.oracle.adapters.parquet import ParquetFile, points_in
from functions.oracle.adapters.point_days import PointsBucketUnusable, PointsDayGone
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.cron_export_points import handler as plan
from functions.oracle.queue_export_points import handler
from functions.oracle.wiring import Deps
from kernel.offload.objects import ObjectAbsent
from kernel.tasks import Task, TaskRecord, TaskSpec
from kernel.testing import InMemoryObjects
from tests.handlers.oracle.provider import Context, pass_time, scheduled_event, sqs_event

pytestmark = pytest.mark.handlers

DAY = date(2026, 11, 13)
SOURCES = ("binance", "kraken")


class Died(BaseException):
    """What a process that is killed does not catch."""


@dataclass
class FragileObjects(InMemoryObjects):
    """A bucket beside which the process dies, or that garbles what it is given."""

    dies_before_put: bool = False
    dies_after_put: bool = False
    dies_after_get: bool = False
    loses: Callable[[bytes], bytes] = bytes

    def put(self, key: str, content: bytes) -> None:
        if self.dies_before_put:
            raise Died
        InMemoryObjects.put(self, key, self.loses(content))
        if self.dies_after_put:
            raise Died

    def get(self, key: str, bytes_max: int) -> bytes:
        content = InMemoryObjects.get(self, key, bytes_max)
        if self.dies_after_get:
            raise Died
        return content


@pytest.fixture
def bucket(offline: Deps) -> FragileObjects:
    """The bucket of the stage, empty."""
    bucket = FragileObjects()
    offline.time_series.objects = bucket
    return bucket


@pytest.fixture
def task_id(offline: Deps, bucket: FragileObjects) -> UUID:
    """The export of a day with points of two sources, asked for."""
    with offline.kernel.postgres.transaction() as tx:
        tx.execute("select kernel.create_day_partition('oracle.prices', %(day)s)", day=DAY)
    offline.repository.store_points(points_of(DAY), "test")
    plan.bind(offline)(scheduled_event(offline.clock.now()), Context())
    with offline.kernel.postgres.transaction() as tx:
        row = tx.one("select id from kernel.tasks where kind = 'oracle.export_points'")
    return UUID(str(row["id"]))


def points_of(day: date) -> list[VenuePrice]:
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    return [
        VenuePrice(
            base="BTC",
            quote="USD",
            price=Decimal(f"{90_000 + hour}.10"),
            volume=None if hour == 0 else Decimal("0.250"),
            time=midnight + timedelta(hours=hour, microseconds=hour),
            source=source,
        )
        for hour in (0, 1, 23)
        for source in SOURCES
    ]


def deliver(deps: Deps, task_id: UUID) -> TaskRecord:
    handler.bind(deps)(sqs_event('{"task_id":"' + str(task_id) + '"}'), Context())
    return deps.tasks.get(task_id)


def exports(deps: Deps) -> list[dict[str, Any]]:
    with deps.kernel.postgres.transaction() as tx:
        return [dict(row) for row in tx.all("select * from oracle.point_exports order by day")]


def test_a_day_lies_in_the_bucket_and_its_row_says_what(offline: Deps, bucket: FragileObjects, task_id: UUID) -> None:
    """Every point with every digit; the row's digests are those of the file."""
    task = deliver(offline, task_id)

    (row,) = exports(offline)
    found = list(points_in(bucket.kept[row["object_key"]]))
    assert ("done", {"points": 6, "bytes": row["size_bytes"]}) == (task.state, task.result)
    assert points_of(DAY) == [point.as_priced for point in found]
    assert all(point.stored_in is not None and point.worker_id == "test" for point in found)
    exported = offline.time_series.days.exported(DAY)
    assert exported is not None
    assert bucket.kept[row["object_key"]] == offline.time_series.days.content_of(exported)


@pytest.mark.parametrize("death", ["dies_before_put", "dies_after_put", "dies_after_get"])
def test_whoever_comes_after_a_death_exports_the_day_once(
    offline: Deps, bucket: FragileObjects, task_id: UUID, death: str
) -> None:
    """One file, one row: the second worker writes the same file under the same name."""
    setattr(bucket, death, True)
    with suppress(Died):
        deliver(offline, task_id)
    between = exports(offline)
    setattr(bucket, death, False)
    pass_time(offline, 120)  # the dead one's lease ends

    task = deliver(offline, task_id)

    assert ([], "done", 1, 1) == (between, task.state, len(exports(offline)), len(bucket.kept))


def test_a_message_delivered_twice_exports_once(offline: Deps, bucket: FragileObjects, task_id: UUID) -> None:
    """The second delivery finds the task done."""
    deliver(offline, task_id)
    first = exports(offline)

    deliver(offline, task_id)

    assert first == exports(offline)


@pytest.mark.parametrize(
    "lost", [lambda content: content[:-1], lambda content: content.replace(b"kraken", b"krakem"), lambda _: b""]
)
def test_a_file_that_is_not_what_was_written_releases_nothing(
    offline: Deps, bucket: FragileObjects, task_id: UUID, lost: Callable[[bytes], bytes]
) -> None:
    """It is tried again; once the bucket keeps what it is given, the day is exported."""
    bucket.loses = lost
    first, between = deliver(offline, task_id), exports(offline)
    with offline.kernel.postgres.transaction() as tx:
        released = tx.one("select oracle.may_drop_points(%(day)s) as released", day=DAY)["released"]
    bucket.loses = bytes
    pass_time(offline, 600)  # the next attempt is due

    second = deliver(offline, task_id)

    assert ("ready", [], False) == (first.state, between, released)
    assert ("done", 6) == (second.state, exports(offline)[0]["points"])


def test_points_that_come_while_a_day_is_exported_are_not_left_behind(
    offline: Deps, bucket: FragileObjects, task_id: UUID
) -> None:
    """The row is not written until the count is that of the day; the next attempt has them."""

    class Late(FragileObjects):
        def put(self, key: str, content: bytes) -> None:
            super().put(key, content)
            late = points_of(DAY)[0]
            offline.repository.store_points([VenuePrice(**{**vars_of(late), "source": "okx"})], "late")

    offline.time_series.objects = late_bucket = Late()
    del offline.time_series.__dict__["days"]
    first = deliver(offline, task_id)
    between = exports(offline)
    pass_time(offline, 600)  # the next attempt is due

    second = deliver(offline, task_id)

    assert ("ready", []) == (first.state, between)
    assert ("done", 7) == (second.state, exports(offline)[0]["points"])
    assert 2 == len(late_bucket.kept)


def test_a_later_generation_replaces_the_row_and_an_earlier_one_does_not(
    offline: Deps, bucket: FragileObjects, task_id: UUID
) -> None:
    """What was exported with fewer points never hides what was exported with more."""
    days = offline.time_series.days
    deliver(offline, task_id)
    with offline.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.point_exports set generation = 3")
    spec = TaskSpec(kind="oracle.export_points", business_key="late", payload={}, run_at=offline.clock.now())
    claimed = offline.tasks.claim(offline.tasks.enqueue([spec])[0], "a worker that was asleep", 60)
    assert isinstance(claimed, Task)

    days.record(days.export(DAY, 2), fence=claimed.fence)

    assert [3] == [row["generation"] for row in exports(offline)]


def test_a_bucket_that_is_not_there_is_told(offline: Deps) -> None:
    """Without a name nothing is asked of S3, and the words say which setting is missing."""
    with pytest.raises(PointsBucketUnusable):
        offline.time_series.days.export(DAY, 1)


def test_a_file_that_was_replaced_by_another_is_told(offline: Deps, bucket: FragileObjects, task_id: UUID) -> None:
    """Also by one that is a good file of points by itself."""
    deliver(offline, task_id)
    exported = offline.time_series.days.exported(DAY)
    assert exported is not None
    with ParquetFile() as other:
        other.add([])
        bucket.kept[exported.object_key] = other.content()

    with pytest.raises(PointsDayGone):
        offline.time_series.days.content_of(exported)


def test_a_file_that_is_gone_is_told(offline: Deps, bucket: FragileObjects, task_id: UUID) -> None:
    """Two years on, or after somebody removed it."""
    deliver(offline, task_id)
    exported = offline.time_series.days.exported(DAY)
    bucket.kept.clear()

    assert exported is not None
    with pytest.raises(PointsDayGone):
        offline.time_series.days.content_of(exported)
    with pytest.raises(ObjectAbsent):
        bucket.get(exported.object_key, 1)


def vars_of(point: VenuePrice) -> dict[str, Any]:
    return {name: getattr(point, name) for name in ("base", "quote", "price", "volume", "time", "source")}
