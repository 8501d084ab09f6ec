"""Moments as whole microseconds since 1970: exact, as cursors and hashes need them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def unix_us(moment: datetime) -> int:
    """An aware moment as microseconds."""
    return (moment - _EPOCH) // _MICROSECOND


def from_unix_us(us: int) -> datetime:
    """The moment of so many microseconds, in UTC. OverflowError beyond the year 9999."""
    return _EPOCH + us * _MICROSECOND
