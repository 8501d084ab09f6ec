"""Owns Unix milliseconds, the clock of whatever traders sign."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def unix_ms(moment: datetime) -> int:
    """A moment's milliseconds since the epoch, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(unix_ms: int) -> datetime:
    """The moment of so many milliseconds since the epoch. OverflowError beyond the year 9999."""
    return _EPOCH + unix_ms * _MILLISECOND
