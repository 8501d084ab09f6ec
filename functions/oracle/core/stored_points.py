"""Owns the identity of stored points: which bytes stand for them, whatever they are read from.

A point's line is its fields as plain text, so that the digest of rows of Postgres is that of rows of a Parquet file if
and only if every digit is.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from functions.oracle.core.quotes import VenuePrice
from kernel.moments import unix_us

_FIELD_END: Final = "\x1f"


class StoredPoint(NamedTuple):
    """A raw point with where it came from. Times are aware; `stored_in` is the number of its transaction, if noted."""

    symbol: str
    source: str
    time: datetime
    price: Decimal
    volume: Decimal | None
    worker_id: str
    ingested_at: datetime
    stored_in: int | None

    @property
    def as_priced(self) -> VenuePrice:
        """What decisions are made from."""
        return venue_price(self.symbol, self.source, self.time, self.price, self.volume)


@dataclass(slots=True)
class PointsDigest:
    """SHA-256 over the lines of points in the order in which they are added."""

    points: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, points: Iterable[StoredPoint]) -> None:
        """Further points."""
        for point in points:
            self._hash.update(_line(point))
            self.points += 1

    @property
    def value(self) -> bytes:
        """The digest of what was added so far."""
        return bytes(self._hash.digest())


def digest_of(points: Iterable[VenuePrice]) -> bytes:
    """SHA-256 over what a decision was made from, in one order whatever order it came in."""
    lines = sorted(
        _text(point.symbol, point.source, str(unix_us(point.time)), _plain(point.price), _plain(point.volume))
        for point in points
    )
    return hashlib.sha256("".join(lines).encode()).digest()


def venue_price(symbol: str, source: str, time: datetime, price: Decimal, volume: Decimal | None) -> VenuePrice:
    """A point by its market's name, such as BTC/USDT."""
    base, quote = symbol.split("/")
    return VenuePrice(base=base, quote=quote, price=price, volume=volume, time=time, source=source)


def _line(point: StoredPoint) -> bytes:
    return _text(
        point.symbol,
        point.source,
        str(unix_us(point.time)),
        _plain(point.price),
        _plain(point.volume),
        point.worker_id,
        str(unix_us(point.ingested_at)),
        "" if point.stored_in is None else str(point.stored_in),
    ).encode()


def _text(*fields: str) -> str:
    return _FIELD_END.join(fields) + "\n"


def _plain(number: Decimal | None) -> str:
    return "" if number is None else format(number, "f")
