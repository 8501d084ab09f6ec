"""Every venue's own ccxt client reads from the local venue what the market model says, digit for digit."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest

from functions.oracle.adapters.venue_clients import Replies, build_client, ccxt
from functions.oracle.adapters.venue_visits import TRADES_MAX, VenueReport
from functions.oracle.adapters.venues import Venues
from functions.oracle.core.quotes import VenuePrice, one_per_instant
from infra.local.exchanges.catalogue import VENUES
from infra.local.exchanges.desk import Desk, Pair
from infra.local.exchanges.listings import COINS
from infra.local.exchanges.server import ExchangeServer

pytestmark = pytest.mark.integration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICKERS_WITHOUT_TIME = ("bitfinex", "bybit", "gate", "htx", "kraken")
TIMES_IN_SECONDS = ("bitstamp",)
TRADED = "BTC"


@dataclass(frozen=True)
class Held:
    """One collection of all venues at a stopped clock, and what the model says of that moment."""

    server: ExchangeServer
    now_ms: int
    points: tuple[VenuePrice, ...]
    reports: tuple[VenueReport, ...]

    def desk(self, venue: str) -> Desk:
        return self.server.desk(venue, self.now_ms)

    def of(self, venue: str) -> list[VenuePrice]:
        return [point for point in self.points if point.source == venue]


@pytest.fixture(scope="module")
def held(exchange_server: ExchangeServer) -> Iterator[Held]:
    """Every venue asked once, BTC with its trades, while time stands still."""
    now_ms = int(time.time() * 1_000)
    exchange_server.hold(now_ms)
    with Venues(list(VENUES), exchange_server.venue_urls, deadline_s=30.0, trades_for=[TRADED]) as venues:
        points, reports = venues.collect(list(COINS))
    yield Held(exchange_server, now_ms, points, reports)
    exchange_server.hold(None)


def venue_time(venue: str, time_ms: int) -> datetime:
    """A model time as the venue prints it."""
    return EPOCH + timedelta(milliseconds=time_ms // 1_000 * 1_000 if venue in TIMES_IN_SECONDS else time_ms)


def pair_of(desk: Desk, base: str) -> Pair:
    return next(pair for pair in desk.pairs if pair.base == base)


@pytest.mark.parametrize("venue", VENUES)
def test_a_client_is_ccxts_own(venue: str) -> None:
    """Nothing of the library is replaced: the class that speaks to the venue in production speaks to ours."""
    client = build_client(venue, None, 5.0, Replies())

    assert getattr(ccxt(), venue) is type(client)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_reports_no_trouble(held: Held, venue: str) -> None:
    """Each question is answered at the first attempt, and only what the venue does not list is left out."""
    report = next(report for report in held.reports if report.venue == venue)

    assert (None, "", 3) == (report.reason, report.detail, report.attempts)
    assert {"not_listed"} >= {left_out.reason for left_out in report.left_out}
    assert len(held.of(venue)) == report.points > 15


@pytest.mark.parametrize("venue", VENUES)
def test_ticker_prices_are_the_models_as_text(held: Held, venue: str) -> None:
    """Trailing zeros and all: no float was between the venue and the point."""
    desk = held.desk(venue)
    expected = {f"{pair.base}/{pair.quote}": str(desk.ticker(pair).last) for pair in desk.pairs if pair.base != TRADED}

    assert expected == {point.symbol: str(point.price) for point in held.of(venue) if point.base != TRADED}


@pytest.mark.parametrize("venue", VENUES)
def test_ticker_volumes_are_of_24_hours_in_base_units(held: Held, venue: str) -> None:
    """And exact, like the prices."""
    desk = held.desk(venue)
    expected = {pair.base: str(desk.ticker(pair).volume) for pair in desk.pairs if pair.base != TRADED}

    assert expected == {point.base: str(point.volume) for point in held.of(venue) if point.base != TRADED}


@pytest.mark.parametrize("venue", [venue for venue in VENUES if venue not in TICKERS_WITHOUT_TIME])
def test_a_tickers_time_is_the_venues_own(held: Held, venue: str) -> None:
    """Where the venue prints one."""
    times = {point.time for point in held.of(venue) if point.base != TRADED}

    assert {venue_time(venue, held.now_ms)} == times


@pytest.mark.parametrize("venue", TICKERS_WITHOUT_TIME)
def test_a_ticker_without_time_takes_the_replys(held: Held, venue: str) -> None:
    """The venue's clock as its HTTP reply shows it: whole seconds, and a server renews it once a second."""
    times = {point.time for point in held.of(venue) if point.base != TRADED}

    assert 1 == len(times)
    assert timedelta(seconds=-2) <= times.pop() - venue_time(venue, held.now_ms) <= timedelta(seconds=30)


@pytest.mark.parametrize("venue", VENUES)
def test_trades_are_the_models_with_their_amounts(held: Held, venue: str) -> None:
    """The newest sixty, each at its own price, amount and time; those of one instant as one."""
    desk = held.desk(venue)
    pair = pair_of(desk, TRADED)
    tape = [
        VenuePrice(
            base=TRADED,
            quote=pair.quote,
            price=trade.price,
            volume=trade.amount,
            time=venue_time(venue, trade.time_ms),
            source=venue,
        )
        for trade in desk.trades(pair, TRADES_MAX)
    ]

    collected = [point for point in held.of(venue) if point.base == TRADED and point.volume is not None]

    assert one_per_instant(tape) == sorted(collected, key=lambda point: point.time)
    assert [str(point.price) for point in one_per_instant(tape)] == [
        str(point.price) for point in sorted(collected, key=lambda point: point.time)
    ]


@pytest.mark.parametrize("venue", VENUES)
def test_where_trades_are_collected_a_ticker_has_no_weight(held: Held, venue: str) -> None:
    """Its price counts, its volume of 24 hours would drown every trade; of the same instant the trade stands."""
    desk = held.desk(venue)
    weightless = [point for point in held.of(venue) if point.base == TRADED and point.volume is None]

    assert len(weightless) <= 1
    assert [str(desk.ticker(pair_of(desk, TRADED)).last)] * len(weightless) == [
        str(point.price) for point in weightless
    ]


def test_usdt_is_never_taken_for_usd(held: Held) -> None:
    """A point keeps the currency its market is quoted in."""
    quotes = {(point.source, point.quote) for point in held.points}

    assert {(venue.name, pair.quote) for venue in VENUES.values() for pair in venue.pairs} == quotes


def test_usdt_itself_is_collected_without_being_asked_for(exchanges: ExchangeServer) -> None:
    """The conversion into USD needs it."""
    with Venues(["cryptocom", "okx"], exchanges.venue_urls) as venues:
        points, _ = venues.collect(["XRP"])

    assert ["XRP/USD", "USDT/USD", "XRP/USDT"] == [point.symbol for point in points]


def test_a_symbol_that_nobody_lists_is_named(exchanges: ExchangeServer) -> None:
    """It costs the others nothing."""
    with Venues(["okx"], exchanges.venue_urls) as venues:
        points, reports = venues.collect(["XRP", "NOSUCHCOIN"])

    assert ["XRP/USDT"] == [point.symbol for point in points]
    assert [("NOSUCHCOIN/USDT", "not_listed")] == [(left.symbol, left.reason) for left in reports[0].left_out]


def test_the_model_prints_prices_with_fixed_digits(held: Held) -> None:
    """Otherwise equal text would prove little: half of the prices end in other digits than zero, some in zero."""
    texts = [str(point.price) for point in held.points]

    assert any(text.endswith("0") for text in islice(texts, 2_000))
    assert all(Decimal(text) == Decimal(text).quantize(Decimal(text)) for text in texts)
