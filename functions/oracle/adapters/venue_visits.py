"""One venue's share of a collection: ask it for tickers and trades, patiently but not for ever, and say how it went.

Tickers come for every symbol in one call. Trades come only for a chosen few symbols, one call each, because they give
a VWAP the amounts that a ticker lacks but cost a request per symbol. A symbol is weighed in one of the two ways at all
venues: where trades are collected its tickers carry no volume, since an amount of 24 hours would drown every trade.

The time of a point is the venue's. Some venues print no time into their tickers; theirs is the clock of the reply in
which the ticker was first seen as it is, so that a market that no longer moves grows stale although replies are fresh.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from functions.oracle.adapters.venue_clients import Replies, VenueProfile, build_client, ccxt, profile_of
from functions.oracle.core.quotes import VenuePrice, one_per_instant

RETRY_AFTER_S = (1.0, 2.0, 4.0)
# The most that every venue gives at once, and more than the newest minute of most markets.
TRADES_MAX = 60
TRADE_AGE_MAX = timedelta(seconds=180)
# "1e999999999" is a finite number too, and would fill the memory of whoever writes it out.
MAGNITUDE_MAX = 18
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class Reason(StrEnum):
    """Why a venue failed."""

    UNAVAILABLE = "unavailable"  # refused the connection, or answered 5xx
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"  # 429, 418, or the venue's own words for it
    MALFORMED = "malformed"  # no JSON, or JSON of another shape
    REJECTED = "rejected"  # understood, and answered with an error


RETRIED = frozenset(Reason) - {Reason.REJECTED}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A market without a point, and why: not_listed, no_ticker, bad_price, no_time."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport:
    """How one venue did; a failed one may still have given some points before."""

    venue: str
    reason: Reason | None
    detail: str
    latency_ms: int
    attempts: int
    points: int
    left_out: tuple[LeftOut, ...]

    @property
    def ok(self) -> bool:
        """Whether everything that was asked was answered."""
        return self.reason is None


class VenueFailed(Exception):
    """The venue gave no usable answer, at the last attempt either."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class _Visit:
    """What one collection gathers from the venue, as far as it came."""

    started_s: float
    deadline_s: float
    points: dict[tuple[str, datetime], VenuePrice] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    attempts: int = 0
    last_failure: VenueFailed | None = None


class VenueVisitor:
    """One venue's client with its markets, kept between collections."""

    def __init__(self, venue: str, base_url: str | None, timeout_s: float) -> None:
        self._venue = venue
        self._profile: VenueProfile = profile_of(venue)
        self._replies = Replies()
        self._client = build_client(venue, base_url, timeout_s, self._replies)
        self._has_markets = False
        self._seen_tickers: dict[str, tuple[object, datetime]] = {}

    def borrow(self, session: Any) -> None:
        """Use `session` for HTTP until it is taken back with None."""
        self._client.session = session

    async def visit(
        self, bases: Sequence[str], trades_for: Sequence[str], limit_s: float
    ) -> tuple[list[VenuePrice], VenueReport]:
        """The venue's points for `bases`, after at most `limit_s`; never raises for what a venue does."""
        started_s = asyncio.get_running_loop().time()
        visit = _Visit(started_s, started_s + limit_s)
        failure: VenueFailed | None = None
        try:
            async with asyncio.timeout_at(visit.deadline_s):
                await self._gather(visit, bases, trades_for)
        except VenueFailed as failed:
            failure = failed
        except TimeoutError:
            # Requests that wait for the throttle would be sent, and paid for in time, although nobody asks any more.
            self._client.init_throttler()
            failure = visit.last_failure or VenueFailed(Reason.TIMED_OUT, f"not done after {limit_s:g} s")
        return list(visit.points.values()), self._report(visit, failure)

    def _report(self, visit: _Visit, failure: VenueFailed | None) -> VenueReport:
        taken_s = asyncio.get_running_loop().time() - visit.started_s
        return VenueReport(
            venue=self._venue,
            reason=failure.reason if failure else None,
            detail=failure.detail if failure else "",
            latency_ms=round(taken_s * 1_000),
            attempts=visit.attempts,
            points=len(visit.points),
            left_out=tuple(visit.left_out),
        )

    async def _gather(self, visit: _Visit, bases: Sequence[str], trades_for: Sequence[str]) -> None:
        if not self._has_markets:
            await self._ask(visit, self._load_markets)
        markets = self._markets(visit, bases)
        symbols = list(markets.values()) if self._profile.asks_by_symbol else None
        if markets:
            tickers = await self._ask(visit, lambda: self._client.fetch_tickers(symbols))
            self._add_tickers(visit, markets, tickers, frozenset(trades_for))
        for base in trades_for:
            if symbol := markets.get(base):
                await self._add_trades(visit, symbol)

    async def _load_markets(self) -> None:
        """Load the venue's listings; an empty list counts as no answer, and is asked for again."""
        markets = await self._client.load_markets(True)
        if not markets:
            raise TypeError("no markets")
        self._has_markets = True

    def _markets(self, visit: _Visit, bases: Iterable[str]) -> dict[str, str]:
        """The market to read for each base that the venue lists."""
        found = {}
        for base in bases:
            names = [f"{base}/{quote}" for quote in self._profile.quotes if quote != base]
            active = [name for name in names if self._is_active(name)]
            if active:
                found[base] = active[0]
            elif names:
                visit.left_out.append(LeftOut(names[0], "not_listed"))
        return found

    def _is_active(self, symbol: str) -> bool:
        market = self._client.markets.get(symbol)
        return market is not None and market.get("active") is not False

    def _add_tickers(
        self, visit: _Visit, markets: dict[str, str], tickers: dict[str, Any], with_trades: frozenset[str]
    ) -> None:
        for base, symbol in markets.items():
            ticker = tickers.get(symbol)
            if ticker is None:
                visit.left_out.append(LeftOut(symbol, "no_ticker"))
                continue
            price, time = positive_decimal(ticker.get("last")), self._ticker_time(symbol, ticker)
            if price is None or time is None:
                visit.left_out.append(LeftOut(symbol, "bad_price" if price is None else "no_time"))
                continue
            volume = None if base in with_trades else positive_decimal(ticker.get("baseVolume"))
            visit.points[symbol, time] = self._point(symbol, price, volume, time)

    def _ticker_time(self, symbol: str, ticker: dict[str, Any]) -> datetime | None:
        if (own := _utc(ticker.get("timestamp"))) is not None:
            return own
        content = tuple(ticker.get(name) for name in ("last", "bid", "ask", "baseVolume"))
        seen_content, seen_time = self._seen_tickers.get(symbol, (None, None))
        if seen_content != content:
            seen_time = self._replies.time
            if seen_time is not None:
                self._seen_tickers[symbol] = (content, seen_time)
        return seen_time

    async def _add_trades(self, visit: _Visit, symbol: str) -> None:
        trades = await self._ask(visit, lambda: self._client.fetch_trades(symbol, None, TRADES_MAX))
        now = self._replies.time
        points = [point for trade in trades if (point := self._trade_point(symbol, trade)) is not None]
        for point in one_per_instant(points):
            if now is None or point.time >= now - TRADE_AGE_MAX:
                # A ticker of the same instant gives way: it has no amount.
                visit.points[symbol, point.time] = point

    def _trade_point(self, symbol: str, trade: dict[str, Any]) -> VenuePrice | None:
        """None for a trade that lacks a price, an amount or a time."""
        price, amount = positive_decimal(trade.get("price")), positive_decimal(trade.get("amount"))
        time = _utc(trade.get("timestamp"))
        if price is None or amount is None or time is None:
            return None
        return self._point(symbol, price, amount, time)

    def _point(self, symbol: str, price: Decimal, volume: Decimal | None, time: datetime) -> VenuePrice:
        base, quote = symbol.split("/")
        return VenuePrice(base=base, quote=quote, price=price, volume=volume, time=time, source=self._venue)

    async def _ask(self, visit: _Visit, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question, asked up to four times while the visit's time allows; VenueFailed without one."""
        for wait_s in RETRY_AFTER_S:
            try:
                return await self._ask_once(visit, question)
            except VenueFailed as failed:
                visit.last_failure = failed
                if not await self._wait(visit, failed, wait_s):
                    raise
        return await self._ask_once(visit, question)

    async def _wait(self, visit: _Visit, failed: VenueFailed, wait_s: float) -> bool:
        """Wait before the next attempt; False at once when another is of no use, or would come after the deadline."""
        wait_s = max(wait_s, self._replies.retry_after_s)
        in_time = asyncio.get_running_loop().time() + wait_s < visit.deadline_s
        if failed.reason not in RETRIED or not in_time:
            return False
        await asyncio.sleep(wait_s)
        return True

    async def _ask_once(self, visit: _Visit, question: Callable[[], Awaitable[T]]) -> T:
        visit.attempts += 1
        self._replies.begin()
        try:
            answer = await question()
        # ccxt's parsers raise whatever Python raises when an answer has another shape, and no venue may hurt another.
        except Exception as error:
            raise VenueFailed(reason_of(error, self._replies), f"{type(error).__name__}: {error}"[:300]) from error
        if self._replies.malformed:
            raise VenueFailed(Reason.MALFORMED, "a reply was not JSON")
        return answer


def reason_of(error: Exception, replies: Replies) -> Reason:
    """Why a question failed; the status of the reply counts before the class that a venue's client made of it."""
    errors = ccxt()
    if replies.status in (418, 429) or isinstance(error, errors.DDoSProtection):
        return Reason.RATE_LIMITED
    if isinstance(error, errors.RequestTimeout | TimeoutError):
        return Reason.TIMED_OUT
    if (replies.status or 0) >= 500:
        return Reason.UNAVAILABLE
    if replies.malformed or not isinstance(error, errors.BaseError):
        return Reason.MALFORMED
    return Reason.UNAVAILABLE if isinstance(error, errors.NetworkError) else Reason.REJECTED


def positive_decimal(text: object) -> Decimal | None:
    """The number that a venue printed; None for anything but one above zero and of a sane magnitude."""
    try:
        value = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
    if value is None or not value.is_finite() or value <= 0:
        return None
    return value if abs(value.adjusted()) <= MAGNITUDE_MAX else None


def _utc(time_ms: object) -> datetime | None:
    """A venue's milliseconds as a time; None when they are none, or beyond the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=time_ms) if isinstance(time_ms, int) else None
    except OverflowError:
        return None
