"""A worker that exports a day dies before and after every kind of statement and every word with the bucket."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import FrameType
from typing import Any
from uuid import UUID

import pytest

from functions.oracle.core.quotes import VenuePrice
from functions.oracle.queue_export_points import handler
from functions.oracle.wiring import Deps
from kernel.tasks import TaskSpec
from kernel.testing import InMemoryObjects
from tests.handlers.oracle.provider import Context, pass_time, sqs_event

pytestmark = pytest.mark.handlers

DAY = date(2026, 11, 13)
MIDNIGHT = datetime(2026, 11, 13, tzinfo=UTC)
POINTS = 5
Moment = tuple[str, str]  # what is done, and "call" or "return"


class Died(BaseException):
    """What a process that is killed does not catch."""


@contextmanager
def watched(told: Callable[[Moment], None]) -> Iterator[None]:
    """`told` hears of every statement that is sent and every word with the bucket, before and after."""

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "return") and (what := _name(frame)) is not None:
            told((what, event))

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def _name(frame: FrameType) -> str | None:
    place, name = frame.f_code.co_filename, frame.f_code.co_name
    if name == "execute" and "psycopg" in place:
        return str(frame.f_locals["query"])
    return f"bucket: {name}" if name in ("put", "get") and place.endswith("kernel/testing/objects.py") else None


def asked_for(deps: Deps, generation: int) -> UUID:
    spec = TaskSpec(
        kind="oracle.export_points",
        business_key=f"{DAY}:{generation}",
        payload={"day": DAY.isoformat(), "generation": generation},
        run_at=deps.clock.now(),
    )
    return deps.tasks.enqueue([spec])[0]


def deliver(deps: Deps, task_id: UUID) -> None:
    handler.bind(deps)(sqs_event('{"task_id":"' + str(task_id) + '"}'), Context())


def exports(deps: Deps) -> list[dict[str, Any]]:
    with deps.kernel.postgres.transaction() as tx:
        return [dict(row) for row in tx.all("select * from oracle.point_exports")]


def test_a_day_is_exported_once_wherever_its_worker_dies(offline: Deps, volume: Callable[[int, int], int]) -> None:
    """At every moment: no row without a good file; and whoever comes next ends with one row and one file."""
    bucket = InMemoryObjects()
    offline.time_series.objects = bucket
    with offline.kernel.postgres.transaction() as tx:
        tx.execute("select kernel.create_day_partition('oracle.prices', %(day)s)", day=DAY)
    offline.repository.store_points(
        [
            VenuePrice(
                base="BTC",
                quote="USD",
                price=Decimal(90_000 + number),
                volume=None,
                time=MIDNIGHT + timedelta(minutes=number),
                source="okx",
            )
            for number in range(POINTS)
        ],
        "test",
    )
    moments: dict[Moment, None] = {}
    with watched(moments.setdefault):
        deliver(offline, asked_for(offline, 1))
    (alive,) = exports(offline)
    kills = volume(3, len(moments))
    chosen = [moment for place, moment in enumerate(moments) if place * kills % len(moments) < kills]

    for generation, deadly in enumerate(chosen, start=2):
        bucket.kept.clear()
        with offline.kernel.postgres.transaction() as tx:
            tx.execute("delete from oracle.point_exports")
        task_id = asked_for(offline, generation)

        def die(moment: Moment, deadly: Moment = deadly) -> None:
            if moment == deadly:
                sys.setprofile(None)
                raise Died

        with suppress(Died), watched(die):
            deliver(offline, task_id)
        assert all(row["object_key"] in bucket.kept for row in exports(offline)), deadly
        pass_time(offline, 120)  # the dead one's lease ends
        deliver(offline, task_id)

        (row,) = exports(offline)
        assert ("done", {alive["object_key"]}) == (offline.tasks.get(task_id).state, set(bucket.kept)), deadly
        assert (generation, POINTS, alive["points_digest"]) == (row["generation"], row["points"], row["points_digest"])
    assert len(chosen) == kills
    assert {"bucket: put", "bucket: get"} < {what for what, _ in moments}
