"""Days of raw points: when they are exported, and what a good file is."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from functions.oracle.core.point_days import (
    ExportUnlike,
    begin_of_day,
    confirm,
    due_before,
    object_key,
    pages_of,
    recounted_before,
)
from functions.oracle.core.stored_points import PointsDigest, StoredPoint

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 14)
NOON = datetime(2026, 11, 14, 12, tzinfo=UTC)


def digest(*prices: str) -> PointsDigest:
    counted = PointsDigest()
    counted.add([StoredPoint("BTC/USD", "okx", NOON, Decimal(price), None, "test", NOON, 1) for price in prices])
    return counted


def test_a_day_is_due_when_its_last_point_is_a_week_old() -> None:
    """Not a moment earlier, whatever the hour."""
    assert date(2026, 11, 14) == due_before(datetime(2026, 11, 21, 0, 0, tzinfo=UTC))
    assert date(2026, 11, 13) == due_before(datetime(2026, 11, 20, 23, 59, tzinfo=UTC))


def test_a_day_is_counted_again_before_it_may_be_dropped() -> None:
    """The maintenance of 21 November drops days before 22 October; those before 23 October are counted."""
    assert date(2026, 10, 23) == recounted_before(datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_the_pages_of_a_day_touch_and_end_with_it() -> None:
    """No point is in two of them, none in none."""
    pages = list(pages_of(DAY))

    assert begin_of_day(DAY) == pages[0][0]
    assert begin_of_day(DAY) + timedelta(days=1) == pages[-1][1]
    assert [stop for _, stop in pages[:-1]] == [start for start, _ in pages[1:]]


def test_a_file_is_named_by_its_day_and_what_is_in_it() -> None:
    """The same points give the same name, other points another."""
    first, second = digest("1"), digest("2")

    assert "points/2026/2026-11-14-" + first.value.hex()[:16] + ".parquet" == object_key(DAY, first.value)
    assert object_key(DAY, first.value) != object_key(DAY, second.value)


def test_a_file_that_lost_gained_or_changed_a_point_is_refused() -> None:
    """Count and digest, both."""
    confirm(DAY, digest("1", "2"), digest("1", "2"))

    for found in (digest("1"), digest("1", "2", "2"), digest("1", "3")):
        with pytest.raises(ExportUnlike):
            confirm(DAY, digest("1", "2"), found)
