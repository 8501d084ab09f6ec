"""Owns which price points are accepted from outside, and why another is not.

A refused point never costs its neighbours anything: the answer names it by its position.
Prices and volumes are decimals from text or integers. A JSON number is accepted through its shortest decimal text; what
is stored is always a decimal.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from functions.oracle.core.quotes import USD, USDT
from kernel.errors import Rejected

SYMBOL: Final = re.compile(r"[A-Z0-9]+/[A-Z]+")
SOURCE: Final = re.compile(r"[a-z0-9_.-]{1,64}")
FEEDS_PER_CALL_MAX: Final = 100
#: What /prices/range calls the series of what was decided: a source of that name could not be asked for.
RESERVED_SOURCES: Final = frozenset({"consensus"})

#: Clocks of venues and workers differ; what is further ahead than this is an error or a lie.
AHEAD_MAX: Final = timedelta(seconds=5)
#: An older point cannot take part in any decision: the window is 180 s long.
AGE_MAX: Final = timedelta(seconds=180)

# As many digits as an integer of 18 decimals in wei has, with room to spare; a longer number is an error or a lie.
_INTEGER_DIGITS_MAX: Final = 20
_FRACTION_DIGITS_MAX: Final = 18
_NAME_LENGTH_MAX: Final = 64


class NothingUsable(Rejected):
    """None of the points can be stored."""

    status = 422
    cause = "Every point is malformed, unknown, not positive, stale or from the future; details say which is what."
    remedy = "Correct the points named in details; good points of a mixed batch are always stored."
    example = '{"fields": [{"field": "body.feeds.0", "problem": "timestamp_stale"}]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A price point as it is stored. `volume` is None where the venue gives none."""

    symbol: str
    price: Decimal
    volume: Decimal | None
    time: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point that is not stored: its position in the call, and the reason as a stable code."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """The points of one call, each with its position, and the refusals."""

    accepted: tuple[tuple[int, Observation], ...]
    refused: tuple[Refusal, ...]

    def usable(self) -> "Sorted":
        """Itself, if anything can be stored. Raises NothingUsable."""
        if not self.accepted:
            raise NothingUsable(
                fields=[{"field": f"body.feeds.{refusal.index}", "problem": refusal.reason} for refusal in self.refused]
            )
        return self


def markets_of(feeds: Iterable[str]) -> frozenset[str]:
    """What may be sent for these feeds: each one, and those in USD also as quoted in USDT (see quotes.py)."""
    names = frozenset(feeds)
    bases = {name.removesuffix(f"/{USD}") for name in names if name.endswith(f"/{USD}")}
    return names | {f"{base}/{USDT}" for base in bases - {USDT}}


def accept(points: Sequence[object], now: datetime, *, known_symbols: Iterable[str] | None = None) -> Sorted:
    """Each point either as an observation or with the reason why not.

    points         mappings with symbol, price, volume, timestamp and source, as JSON gives them
    known_symbols  if given, the only symbols that are accepted
    """
    known = None if known_symbols is None else frozenset(known_symbols)
    judged = [(index, judge(point, now, known)) for index, point in enumerate(points)]
    return Sorted(
        accepted=tuple((index, verdict) for index, verdict in judged if isinstance(verdict, Observation)),
        refused=tuple(Refusal(index, verdict) for index, verdict in judged if isinstance(verdict, str)),
    )


def judge(point: object, now: datetime, known_symbols: frozenset[str] | None = None) -> Observation | str:
    """The point as an observation, or the reason for refusing it."""
    if not isinstance(point, Mapping):
        return "point_malformed"
    symbol, source, volume_given = text_of(point.get("symbol")), text_of(point.get("source")), point.get("volume")
    price, volume, time = decimal_of(point.get("price")), decimal_of(volume_given), time_of(point.get("timestamp"))
    unnamed = _name_problem(symbol, source, known_symbols)
    if unnamed:
        return unnamed
    if price is None or price <= 0:
        return "price_not_positive"
    if volume_given is not None and (volume is None or volume < 0):
        return "volume_negative"
    if time is None:
        return "timestamp_malformed"
    return lateness(time, now) or Observation(symbol=symbol, price=price, volume=volume, time=time, source=source)


def lateness(time: datetime, now: datetime) -> str | None:
    """Why a point of that time is refused at `now`, or None when it is timely."""
    if time > now + AHEAD_MAX:
        return "timestamp_future"
    return "timestamp_stale" if time < now - AGE_MAX else None


def text_of(given: object) -> str:
    """The text, or none of it."""
    return given if isinstance(given, str) else ""


def decimal_of(given: object) -> Decimal | None:
    """A finite decimal of a sane length, or None."""
    if not isinstance(given, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    return number if number.is_finite() and _fits(number) else None


def time_of(given: object) -> datetime | None:
    """An aware moment from ISO 8601 text (or an aware datetime), or None."""
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            return None
    return given if isinstance(given, datetime) and given.tzinfo is not None else None


def _name_problem(symbol: str, source: str, known_symbols: frozenset[str] | None) -> str | None:
    if len(symbol) > _NAME_LENGTH_MAX or not SYMBOL.fullmatch(symbol):
        return "symbol_malformed"
    if known_symbols is not None and symbol not in known_symbols:
        return "symbol_unknown"
    if source in RESERVED_SOURCES:
        return "source_reserved"
    return None if SOURCE.fullmatch(source) else "source_malformed"


def _fits(number: Decimal) -> bool:
    exponent = int(number.as_tuple().exponent)
    return number.adjusted() < _INTEGER_DIGITS_MAX and exponent >= -_FRACTION_DIGITS_MAX
