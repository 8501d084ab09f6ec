"""Stored points: the bytes that stand for them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions.oracle.core.stored_points import PointsDigest, StoredPoint, digest_of

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
POINT = StoredPoint("BTC/USDT", "kraken", NOON, Decimal("1.50"), None, "collector", NOON, 7)


def digest(*points: StoredPoint) -> bytes:
    counted = PointsDigest()
    counted.add(points)
    assert len(points) == counted.points
    return counted.value


@pytest.mark.parametrize(
    "other",
    [
        POINT._replace(symbol="BTC/USD"),
        POINT._replace(source="okx"),
        POINT._replace(time=NOON + timedelta(microseconds=1)),
        POINT._replace(price=Decimal("1.5")),
        POINT._replace(volume=Decimal(0)),
        POINT._replace(worker_id="collector-2"),
        POINT._replace(ingested_at=NOON + timedelta(microseconds=1)),
        POINT._replace(stored_in=None),
        POINT._replace(stored_in=8),
    ],
)
def test_every_digit_of_every_field_counts(other: StoredPoint) -> None:
    """A file that lost anything has another digest; no volume is not a volume of nothing."""
    assert digest(POINT) != digest(other)


def test_the_digest_of_a_day_is_that_of_its_pages_in_order() -> None:
    """Pages may be cut anywhere; an order is part of what a file is."""
    other = POINT._replace(source="okx")
    paged = PointsDigest()
    paged.add([POINT])
    paged.add([other])

    assert digest(POINT, other) == paged.value
    assert digest(other, POINT) != paged.value


def test_what_a_decision_saw_has_no_order() -> None:
    """Postgres and a Parquet file sort differently; the decision does not care."""
    points = [POINT.as_priced, POINT._replace(source="okx").as_priced]

    assert digest_of(points) == digest_of(reversed(points))
    assert digest_of(points) != digest_of(points[:1])


def test_large_and_small_numbers_are_written_plainly() -> None:
    """1E+2 and 100 are the same stored number."""
    assert digest(POINT._replace(price=Decimal("1E+2"))) == digest(POINT._replace(price=Decimal(100)))
