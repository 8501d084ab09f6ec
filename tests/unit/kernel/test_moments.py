"""Moments and microseconds: there and back, to the last one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.moments import from_unix_us, unix_us

pytestmark = pytest.mark.unit


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_as_it_was(moment: datetime) -> None:
    """Also one before 1970, and one that no float holds."""
    assert moment == from_unix_us(unix_us(moment))


def test_a_moment_is_the_same_in_every_zone() -> None:
    """It is told in UTC."""
    noon = datetime(2026, 11, 21, 12, microsecond=1, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=9)))

    assert unix_us(noon) == unix_us(there) == 1_795_262_400_000_001
    assert UTC == from_unix_us(unix_us(there)).tzinfo


def test_a_number_beyond_the_calendar_is_no_moment() -> None:
    """Cursors come from outside."""
    with pytest.raises(OverflowError):
        from_unix_us(10**18)
