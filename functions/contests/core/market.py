"""Owns what the price of a token is: its form, who may tell it, and until when it counts.

Prices are integers of 10^-12 USD for a whole token, because a micro-dollar is a tenth of what some tokens cost. Whoever
values a portfolio gets a `Token` whose decimals are raised by what a price is finer than a micro-unit, so that worth
and cost come out in micro-units and lose nothing on the way.

A point that comes from outside is judged by itself: a refused one is named by its position and costs its neighbours
nothing. One of a clock that is a little ahead is of now, so that nobody reads a price before it is traded at.

A price values for twice the time between two looks at its token and half a minute more: one look may fail. A trade
takes none that is older than half a minute, whatever the rank: whoever watches the market himself would know better.

Whoever owns a thin market makes its price. So a price values only while there is liquidity behind it, as whoever tells
the price tells it too; one of which nobody says so counts as one that has none.

Nor does one reading make a price that is far from the last: it waits until the next one says about the same. Meanwhile
the last one values, and nobody trades.

Who may push is trusted to be quick, not to decide. A pushed price bears the name of whoever pushed it, is shown to
everybody, and values only beside a price that we have asked for ourselves: one that counts, and is not far from it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from functions.contests.core.freshness import refresh_s
from functions.contests.core.portfolio import Token
from kernel.errors import Rejected

#: Prices are integers of 10^-12 USD.
PRICE_DECIMALS: Final = 12
MICRO_DECIMALS: Final = 6
#: A whole token is worth less than a trillion dollars.
PRICE_MAX: Final = 10 ** (PRICE_DECIMALS + 12)
#: Nobody has a trillion dollars in a market either.
LIQUIDITY_MAX: Final = 10**12
#: Lists of tokens go further down than anybody trades.
DECIMALS_MAX: Final = 18
POINTS_PER_CALL_MAX: Final = 100
AHEAD_MAX: Final = timedelta(seconds=5)
AGE_MAX: Final = timedelta(seconds=60)
A_DAY: Final = timedelta(days=1)
#: Nobody has a price of before.
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
GRACE_S: Final = 30
#: Two looks at the first ranks; further down a token is traded for half a minute after each look.
TRADE_AGE_MAX_S: Final = 30
#: Who is asked; nobody else may push under these names.
JUPITER: Final = "jupiter"
DEXSCREENER: Final = "dexscreener"
#: So far from the newest price that we asked for ourselves a pushed one may lie and still value.
PUSHED_BAND_BPS: Final = 2_000
#: Between who pushed a price and what he calls it; no source that is asked has one in its name.
PUSHER_MARK: Final = "/"
#: No rank is known: last of all.
UNRANKED: Final = 1_000_000
_NAME_LENGTH_MAX: Final = 64
_DIGITS_MAX: Final = 40


class NoPriceUsable(Rejected):
    """None of the prices can be stored."""

    status = 422
    cause = "Every price is malformed, of an unknown token, not positive, stale or from the future; details say which."
    remedy = "Correct the prices named in details; good ones of a mixed batch are always stored."
    example = '{"fields": [{"field": "body.prices.0", "problem": "timestamp_stale"}]}'


class Doubt(StrEnum):
    """Why a point is not taken."""

    MALFORMED = "point_malformed"
    UNKNOWN = "mint_unknown"
    PRICE = "price_not_positive"
    SOURCE = "source_malformed"
    WIDTH = "width_malformed"
    TIME = "timestamp_malformed"
    STALE = "timestamp_stale"
    FUTURE = "timestamp_future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A token's price as somebody told it.

    width_bps: how far apart markets are, half of it, as a part of the price; None where nobody says.
    block: the slot that the price is of, where the source says.
    liquidity_usd: whole dollars in the markets that make the price, rounded down; None where nobody says.
    """

    mint: str
    price: int
    source: str
    observed_at: datetime
    width_bps: int | None = None
    block: int | None = None
    liquidity_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A token as a list has it; the rank counts from 1, the largest first."""

    mint: str
    symbol: str
    name: str
    decimals: int
    rank: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point that is not stored: its position in the call, and why."""

    index: int
    reason: Doubt


@dataclass(frozen=True, slots=True)
class Judged:
    """The points of one call."""

    quotes: tuple[Quote, ...]
    refused: tuple[Refusal, ...]

    def usable(self) -> "Judged":
        """Itself, if anything can be stored. Raises NoPriceUsable."""
        if not self.quotes:
            told = [{"field": f"body.prices.{one.index}", "problem": one.reason.value} for one in self.refused]
            raise NoPriceUsable(fields=told)
        return self


def price_of(given: object) -> int | None:
    """A price in USD, as JSON gives it, in 10^-12 USD to the nearest; None for anything that is no sane price."""
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        return None
    text = str(given)
    try:
        number = Decimal(text) if len(text) <= _DIGITS_MAX else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or number.adjusted() > PRICE_DECIMALS:
        return None
    scaled = int(number.scaleb(PRICE_DECIMALS).to_integral_value(ROUND_HALF_EVEN))
    return scaled if 0 < scaled < PRICE_MAX else None


def liquidity_of(given: object) -> int | None:
    """What lies in markets, as JSON gives it, in whole dollars; None for anything that is no sane amount."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < LIQUIDITY_MAX:
        return None
    return int(given)


def token_of(price: int, decimals: int) -> Token:
    """What values quantities of a token of so many decimals, in micro-units."""
    return Token(decimals=decimals + PRICE_DECIMALS - MICRO_DECIMALS, price=price)


def counts_s(rank: int) -> int:
    """For how many seconds the price of a token of this rank counts."""
    return 2 * refresh_s(rank) + GRACE_S


def trades_s(rank: int) -> int:
    """For how many seconds of these a trade may be made at it."""
    return min(counts_s(rank), TRADE_AGE_MAX_S)


def width_bps(prices: Sequence[int]) -> int:
    """Half of what lies between the lowest and the highest, as a part of their middle, rounded up."""
    low, high = min(prices), max(prices)
    return -(-(high - low) * 10_000 // (high + low))


def is_confirmed(price: int, believed: int | None, before: int | None, factor_max_percent: int) -> bool:
    """Whether a reading values: it is not far from the last that does, or from the very last, which then waited for it.

    factor_max_percent: how far is far, up as down; 200 is from half to twice as much.
    """
    near = [one for one in (believed, before) if one is not None]
    return believed is None or any(100 * max(price, one) <= factor_max_percent * min(price, one) for one in near)


def span(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From and to of a history, in UTC: the day before its end unless asked otherwise, and nothing that never was."""
    until = min(max(end or now + 2 * AHEAD_MAX, EARLIEST), now + 2 * AHEAD_MAX).astimezone(UTC)
    since = min(max(start or until - A_DAY, EARLIEST), until).astimezone(UTC)
    return since, until


def judge(points: Sequence[object], now: datetime, *, known: Collection[str], by: str) -> Judged:
    """Each point as a quote, or why not. known: the mints that have a price here. by: the identity of who pushes."""
    verdicts = [(index, _verdict(point, now, known)) for index, point in enumerate(points)]
    quotes = [verdict for _, verdict in verdicts if isinstance(verdict, Quote)]
    return Judged(
        quotes=tuple(replace(quote, source=f"{by}{PUSHER_MARK}{quote.source}") for quote in quotes),
        refused=tuple(Refusal(index, verdict) for index, verdict in verdicts if isinstance(verdict, Doubt)),
    )


def _verdict(point: object, now: datetime, known: Collection[str]) -> Quote | Doubt:
    if not isinstance(point, Mapping):
        return Doubt.MALFORMED
    mint, source, width = point.get("mint"), point.get("source"), point.get("width_bps")
    price, observed_at = price_of(point.get("price")), _time_of(point.get("timestamp"))
    if not isinstance(mint, str) or mint not in known:
        return Doubt.UNKNOWN
    if not isinstance(source, str) or not _may_push(source):
        return Doubt.SOURCE
    if width is not None and (type(width) is not int or not 0 <= width <= 10_000):
        return Doubt.WIDTH
    if price is None or observed_at is None:
        return Doubt.PRICE if price is None else Doubt.TIME
    late, told_at = _lateness(observed_at, now), min(observed_at, now)
    return late or Quote(mint=mint, price=price, source=source, observed_at=told_at, width_bps=width)


def _may_push(source: str) -> bool:
    is_word = 1 <= len(source) <= _NAME_LENGTH_MAX and source.isascii() and source.replace("-", "").isalnum()
    return is_word and source.lower() not in (JUPITER, DEXSCREENER)


def _lateness(observed_at: datetime, now: datetime) -> Doubt | None:
    if observed_at > now + AHEAD_MAX:
        return Doubt.FUTURE
    return Doubt.STALE if observed_at < now - AGE_MAX else None


def _time_of(given: object) -> datetime | None:
    if not isinstance(given, str) or len(given) > _NAME_LENGTH_MAX:
        return None
    try:
        time = datetime.fromisoformat(given)
        return time if time.utcoffset() is not None else None
    except ValueError:
        return None
