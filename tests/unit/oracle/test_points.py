"""A window as columns."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from functions.oracle.core.points import Number, Point, Points, PointUnfit, microseconds

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
GIVEN = [
    Point("3.5", "2", NOON + timedelta(seconds=2), "b"),
    Point(Decimal("1.5"), None, NOON + timedelta(seconds=1), "b"),
    Point(2, 0, NOON, "a"),
    Point(2.5, 1.25, NOON + timedelta(seconds=3), "c"),
]


def test_points_are_ordered_by_source_and_time() -> None:
    """In columns, with the place each had in what was given."""
    points = Points.of(GIVEN)

    assert [2.0, 1.5, 3.5, 2.5] == points.prices.tolist()
    assert [0.0, 0.0, 2.0, 1.25] == points.volumes.tolist()
    assert [True, False, True, True] == points.has_volume.tolist()
    assert [2, 1, 0, 3] == points.origins.tolist()
    assert [0, 1, 2, 3] == [(time - microseconds(NOON)) // 1_000_000 for time in points.times_us.tolist()]
    assert (("a", "b", "c"), [0, 1, 3], [0, 2, 3]) == (points.sources, points.starts.tolist(), points.ends.tolist())


def test_a_window_knows_its_extremes() -> None:
    """Its oldest and newest point, and the newest one of the source that is silent for longest."""
    points = Points.of([*GIVEN, Point(1, 1, NOON - timedelta(seconds=9), "a")])

    assert [-9_000_000, 3_000_000, 0] == [
        time - microseconds(NOON) for time in (points.oldest_us, points.newest_us, points.stalest_us)
    ]
    assert [2, 2, 1] == points.counts.tolist()


def test_the_order_of_points_does_not_matter() -> None:
    """Not even of two at the same moment: the lower price, then the lower volume comes first."""
    twins = [Point(2, 5, NOON, "a"), Point(2, 4, NOON, "a"), Point(1, 9, NOON, "a"), Point(2, None, NOON, "a")]

    forwards, backwards = Points.of(twins), Points.of(twins[::-1])

    assert [1.0, 2.0, 2.0, 2.0] == forwards.prices.tolist()
    assert [9.0, 0.0, 4.0, 5.0] == forwards.volumes.tolist() == backwards.volumes.tolist()


def test_rows_can_be_left_out() -> None:
    """A source that loses all its rows is gone; the others' first rows move up."""
    points = Points.of(GIVEN).take(np.array([1, 3]))

    assert ([1.5, 2.5], ("b", "c")) == (points.prices.tolist(), points.sources)
    assert ([0, 1], [0, 1], [1, 3]) == (points.starts.tolist(), points.ends.tolist(), points.origins.tolist())
    assert [False, True] == points.has_volume.tolist()
    assert [1_000_000, 3_000_000] == [time - microseconds(NOON) for time in points.times_us.tolist()]


def test_an_empty_window_is_a_window() -> None:
    """No columns, no sources."""
    points = Points.of([])

    assert (0, (), []) == (len(points), points.sources, points.ends.tolist())


@pytest.mark.parametrize(
    ("price", "volume"),
    [(0, 1), (-1, 1), ("NaN", 1), ("Infinity", 1), (1, -1), (1, -0.5), (1, "NaN"), (1, "Infinity"), (1, float("-inf"))],
)
def test_an_unfit_point_is_refused(price: Number, volume: Number) -> None:
    """It should never have been stored."""
    with pytest.raises(PointUnfit):
        Points.of([*GIVEN, Point(price, volume, NOON, "z")])


@pytest.mark.parametrize("moment", [NOON, NOON + timedelta(microseconds=1), NOON.replace(microsecond=999_999)])
def test_moments_are_whole_microseconds(moment: datetime) -> None:
    """Exact for datetimes, which a float of seconds is not always."""
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == microseconds(moment)
    assert 1_500_000 == microseconds(1.5)
