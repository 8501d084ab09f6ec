"""Which days a partitioned table has."""

from datetime import date, timedelta

import pytest

from kernel.postgres.partitions import days_to_have, first_day_kept

pytestmark = pytest.mark.unit

TODAY = date(2026, 3, 1)


def test_a_week_ahead_and_today() -> None:
    """Across the end of a month."""
    assert list(days_to_have(date(2026, 2, 26), 30))[:4] == [date(2026, 2, day) for day in (26, 27, 28)] + [TODAY]
    assert len(list(days_to_have(TODAY, 30))) == 8


def test_stray_days_are_made_if_they_are_kept() -> None:
    """Neither what retention would drop at once nor what lies beyond the days ahead."""
    strays = tuple(TODAY + timedelta(days=n) for n in (-4, -3, -1, 0, 7, 8))
    extra = [day for day in days_to_have(TODAY, 3, strays) if day < TODAY]

    assert extra == [TODAY - timedelta(days=3), TODAY - timedelta(days=1)]
    assert max(days_to_have(TODAY, 3, strays)) == TODAY + timedelta(days=7)
    assert first_day_kept(TODAY, 3) == TODAY - timedelta(days=3)
