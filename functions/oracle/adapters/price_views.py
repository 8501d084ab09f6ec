"""Prices and rounds as the API shows them: decimals and large integers as text, times in ISO 8601 UTC."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from functions.oracle.adapters.plain_text import plain
from functions.oracle.adapters.repository import StoredAggregate
from functions.oracle.adapters.round_history import RoundUnknown, StoredRound, Submission
from functions.oracle.core.candles import Bucket, begin_of
from kernel.errors import NotFound

SYMBOL_PATTERN: Final = r"^[A-Z0-9]{1,16}/[A-Z]{1,8}$"
SYMBOLS_PATTERN: Final = r"^[A-Z0-9]{1,16}/[A-Z]{1,8}(,[A-Z0-9]{1,16}/[A-Z]{1,8}){0,49}$"
SOURCE_PATTERN: Final = r"^[a-z0-9_.-]{1,64}$"
BUCKETS_MAX: Final = 10_000
ROUND_MAX: Final = 2**32 - 1
STALE_AFTER_MS: Final = 180_000


class SymbolUnknown(NotFound):
    """There is no feed of this symbol."""

    cause = "The symbol is not among the feeds of the newest reward epoch."
    remedy = "Take symbols from the network's list of feeds; they look like BTC/USD."


def _in_utc(moment: datetime) -> datetime:
    """Raises ValueError for the hours at both ends of the calendar that UTC has no year for."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside of the calendar") from None


#: Postgres takes no offset of sixteen hours and more, which ISO 8601 has.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Interval(StrEnum):
    """The width of a bucket."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    FOUR_HOURS = "4h"
    DAY = "1d"

    @property
    def width(self) -> timedelta:
        """As a duration."""
        return timedelta(minutes={"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1_440}[self])


class Price(View):
    """The aggregate of one symbol. `confidence` is the half-width of a 95 % interval, in the quote currency."""

    symbol: str
    price: str
    confidence: str
    time: datetime
    age_ms: int
    stale: bool
    flagged: bool
    voting_round: int
    vwap: str | None
    twap: str | None
    weighted_median: str | None
    sources: dict[str, str]


class Prices(View):
    """One row per symbol that has a price, in the order asked for."""

    prices: list[Price]
    missing: list[str]


class Candle(View):
    """One bucket; `time` is its beginning."""

    time: datetime
    open: str
    high: str
    low: str
    close: str
    volume: str | None
    points: int


class PriceRange(View):
    """Buckets, oldest first."""

    symbol: str
    interval: Interval
    candles: list[Candle]
    next_from: datetime | None


class FeedResult(View):
    """One feed of a round, as integers in the feed's decimals."""

    id: str
    symbol: str
    value: int | None
    q1: int | None
    q3: int | None
    decimals: int
    turnout_bips: int


class Round(View):
    """A voting round as this provider knows it; null where a step has not happened."""

    voting_round: int
    submitter: str | None
    commit_hash: str | None
    committed_at: datetime | None
    revealed_at: datetime | None
    signed_at: datetime | None
    finalised_at: datetime | None
    reward_epoch: int | None
    merkle_root: str | None
    random: str | None
    is_secure_random: bool | None
    offenders: list[str]
    feeds: list[FeedResult]
    read_at_block: int | None


def known(symbols: str, existing: Sequence[str]) -> list[str]:
    """The distinct symbols of a comma-separated list, in their order. Raises SymbolUnknown."""
    wanted = list(dict.fromkeys(symbols.split(",")))
    for symbol in wanted:
        if symbol not in existing:
            raise SymbolUnknown(symbol=symbol)
    return wanted


def prices(wanted: Sequence[str], found: Mapping[str, StoredAggregate], at: datetime) -> Prices:
    """The answer for symbols, each with its age at a moment."""
    rows = [_price(found[symbol], at) for symbol in wanted if symbol in found]
    return Prices(prices=rows, missing=[symbol for symbol in wanted if symbol not in found])


def stop_of(start: datetime, end: datetime, interval: Interval, limit: int) -> datetime:
    """Where a range is cut: after `limit` buckets of time, so that no question reads the whole table."""
    return min(end, begin_of(start, interval.width // timedelta(minutes=1)) + limit * interval.width)


def price_range(symbol: str, interval: Interval, rows: Sequence[Bucket], *, next_from: datetime | None) -> PriceRange:
    """The answer for a range; where it was cut, with where to go on."""
    candles = [
        Candle(
            time=row.time,
            open=plain(row.open),
            high=plain(row.high),
            low=plain(row.low),
            close=plain(row.close),
            volume=None if row.volume is None else plain(row.volume),
            points=row.points,
        )
        for row in rows
    ]
    return PriceRange(symbol=symbol, interval=interval, candles=candles, next_from=next_from)


def round_view(number: int, submission: Submission | None, result: StoredRound | None) -> Round:
    """The answer for a round. Raises RoundUnknown when we neither took part in it nor computed it."""
    if submission is None and result is None:
        raise RoundUnknown(voting_round=number)
    return Round(
        voting_round=number,
        submitter=submission and submission.submitter,
        commit_hash=submission and "0x" + bytes(submission.commit_hash).hex(),
        committed_at=submission and submission.committed_at,
        revealed_at=submission and submission.revealed_at,
        signed_at=submission and submission.signed_at,
        finalised_at=submission and submission.finalised_at,
        reward_epoch=result and result.reward_epoch,
        merkle_root="0x" + bytes(result.merkle_root).hex() if result and result.merkle_root else None,
        random=None if result is None or result.random is None else str(result.random),
        is_secure_random=result and result.is_secure_random,
        offenders=result.offenders if result else [],
        feeds=[FeedResult(**median) for median in result.medians] if result else [],
        read_at_block=result and result.read_at_block,
    )


def _price(aggregate: StoredAggregate, at: datetime) -> Price:
    age_ms = max(0, round((at - aggregate.decided_at).total_seconds() * 1000))
    return Price(
        symbol=aggregate.symbol,
        price=plain(aggregate.consensus),
        confidence=plain(aggregate.confidence),
        time=aggregate.decided_at,
        age_ms=age_ms,
        stale=age_ms > STALE_AFTER_MS,
        flagged=aggregate.flagged,
        voting_round=aggregate.voting_round,
        vwap=None if aggregate.vwap is None else plain(aggregate.vwap),
        twap=None if aggregate.twap is None else plain(aggregate.twap),
        weighted_median=None if aggregate.weighted_median is None else plain(aggregate.weighted_median),
        sources={source: plain(price) for source, (price, _) in aggregate.sources.items()},
    )
