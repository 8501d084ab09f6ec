"""A venue that fails costs only itself, for no longer than its time; its report says why."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import FrameType

import pytest

from functions.oracle.adapters.venue_visits import Reason, VenueReport
from functions.oracle.adapters.venues import Collection, Venues
from infra.local.exchanges.catalogue import VENUES
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.exchanges.server import ExchangeServer

pytestmark = pytest.mark.integration

Collector = Callable[..., Venues]
# Two whose limits let a test ask often, and that are quoted in USDT and in USD.
SICK, WELL = "okx", "bitstamp"
INSTRUMENTS = "/api/v5/public/instruments"


def report_of(collection: Collection, venue: str) -> VenueReport:
    return next(report for report in collection.reports if report.venue == venue)


def symbols_of(collection: Collection, venue: str) -> list[str]:
    return [point.symbol for point in collection.points if point.source == venue]


def assert_only_the_sick_one_is_missing(collection: Collection, reason: Reason) -> None:
    report = report_of(collection, SICK)

    assert (reason, False, 0, []) == (report.reason, report.ok, report.points, symbols_of(collection, SICK))
    assert report_of(collection, WELL).ok
    assert ["BTC/USD", "XRP/USD", "USDT/USD"] == symbols_of(collection, WELL)


def test_a_venue_that_is_down_is_left_out(exchanges: ExchangeServer, collector: Collector) -> None:
    """A gateway's 503 page: unavailable, after attempts as far as the time allows."""
    exchanges.fault(SICK, Fault(kind=FaultKind.DOWN))

    collection = collector([SICK, WELL], deadline_s=2.9).collect(["BTC", "XRP"])

    assert_only_the_sick_one_is_missing(collection, Reason.UNAVAILABLE)
    assert 2 == report_of(collection, SICK).attempts
    assert "503" in report_of(collection, SICK).detail


def test_a_venue_that_refuses_connections_is_left_out(exchanges: ExchangeServer, collector: Collector) -> None:
    """Nobody listens on its port."""
    exchanges.fault(SICK, Fault(kind=FaultKind.REFUSED))

    collection = collector([SICK, WELL], deadline_s=2.9).collect(["BTC", "XRP"])

    assert_only_the_sick_one_is_missing(collection, Reason.UNAVAILABLE)


def test_a_slow_venue_is_left_out_in_time(exchanges: ExchangeServer, collector: Collector) -> None:
    """Its answer would come after twenty seconds: nobody waits for it, and the others have theirs."""
    venues = collector([SICK, WELL], timeout_s=1.5, deadline_s=4.5)
    venues.collect(["BTC"])
    exchanges.fault(SICK, Fault(kind=FaultKind.SLOW, delay_s=20))

    started_s = time.monotonic()
    collection = venues.collect(["BTC", "XRP"])
    taken_s = time.monotonic() - started_s

    assert_only_the_sick_one_is_missing(collection, Reason.TIMED_OUT)
    assert taken_s < 20


def test_the_deadline_holds_against_any_number_of_slow_answers(exchanges: ExchangeServer, collector: Collector) -> None:
    """Each answer comes in its own time-out, all together do not: what came before the deadline stands."""
    exchanges.fault(SICK, Fault(kind=FaultKind.SLOW, delay_s=2.0))

    collection = collector([SICK], deadline_s=5.9, trades_for=["BTC", "XRP"]).collect(["BTC", "XRP"])

    report = report_of(collection, SICK)
    assert Reason.TIMED_OUT == report.reason
    assert ["BTC/USDT", "XRP/USDT"] == symbols_of(collection, SICK)
    assert 5_800 <= report.latency_ms


def test_a_lying_venue_spoils_no_other(exchanges: ExchangeServer, collector: Collector) -> None:
    """Its points are 5 % off and are collected all the same; to judge them is the aggregation's part."""
    now_ms = int(time.time() * 1_000)
    exchanges.hold(now_ms)
    exchanges.fault(SICK, Fault(kind=FaultKind.LYING, lie_bps=500))

    collection = collector([SICK, WELL]).collect(["BTC"])

    lie, truth = exchanges.desk(SICK, now_ms, lie_bps=500), exchanges.desk(WELL, now_ms)
    expected = {
        SICK: lie.ticker(lie.pair("BTC-USDT")).last,
        WELL: truth.ticker(truth.pair("btcusd")).last,
    }
    assert expected == {point.source: point.price for point in collection.points if point.base == "BTC"}
    assert Decimal("1.045") < expected[SICK] / expected[WELL] < Decimal("1.055")
    assert [True, True] == [report.ok for report in collection.reports]


def test_a_frozen_venue_grows_old_by_its_own_clock(exchanges: ExchangeServer, collector: Collector) -> None:
    """It answers, fast and for ever the same: the time of its points stands still, so the 60 s rule finds it."""
    venues = collector([SICK, WELL])
    exchanges.fault(SICK, Fault(kind=FaultKind.FROZEN))

    first = venues.collect(["BTC"])
    time.sleep(1.1)
    second = venues.collect(["BTC"])

    times = [
        {point.source: point.time for point in collection.points if point.base == "BTC"}
        for collection in (first, second)
    ]
    assert times[0][SICK] == times[1][SICK]
    assert times[0][WELL] < times[1][WELL]


def test_a_frozen_venue_without_times_grows_old_as_well(exchanges: ExchangeServer, collector: Collector) -> None:
    """Its replies are fresh, but a ticker keeps the time at which it was first seen as it is."""
    venues = collector(["bybit"])
    exchanges.fault("bybit", Fault(kind=FaultKind.FROZEN))
    frozen = [venues.collect(["BTC"]).points[0]]
    time.sleep(1.1)
    frozen.append(venues.collect(["BTC"]).points[0])

    exchanges.clear("bybit")
    moving = venues.collect(["BTC"]).points[0]

    assert frozen[0] == frozen[1]
    assert moving.time - frozen[1].time >= timedelta(seconds=1)


def test_half_an_answer_is_malformed(exchanges: ExchangeServer, collector: Collector) -> None:
    """JSON that was cut off is no answer, and no empty list of markets either."""
    exchanges.fault(SICK, Fault(kind=FaultKind.MALFORMED))

    collection = collector([SICK, WELL], deadline_s=2.9).collect(["BTC", "XRP"])

    assert_only_the_sick_one_is_missing(collection, Reason.MALFORMED)


def test_a_venue_that_limits_us_is_left_out(exchanges: ExchangeServer, collector: Collector) -> None:
    """429 again and again: rate_limited."""
    exchanges.fault(SICK, Fault(kind=FaultKind.RATE_LIMITED))

    collection = collector([SICK, WELL], deadline_s=2.9).collect(["BTC", "XRP"])

    assert_only_the_sick_one_is_missing(collection, Reason.RATE_LIMITED)


def test_the_wait_that_a_venue_names_is_kept(exchanges: ExchangeServer, collector: Collector) -> None:
    """Retry-After of 2 s where we would have come back after one."""
    venues = collector([SICK])
    venues.collect(["BTC"])
    exchanges.fault(SICK, Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=2, requests_left=1))

    report = report_of(venues.collect(["BTC"]), SICK)

    assert (None, 2) == (report.reason, report.attempts)
    assert 2_000 <= report.latency_ms


def test_a_wait_beyond_the_deadline_is_not_begun(exchanges: ExchangeServer, collector: Collector) -> None:
    """Told to come back in a minute, the collector gives up at once."""
    venues = collector([SICK])
    venues.collect(["BTC"])
    exchanges.fault(SICK, Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=60))

    report = report_of(venues.collect(["BTC"]), SICK)

    assert (Reason.RATE_LIMITED, 1) == (report.reason, report.attempts)
    assert report.latency_ms < 9_000


def test_a_venue_gets_four_attempts(exchanges: ExchangeServer, collector: Collector) -> None:
    """After 1, 2 and 4 s of waiting the last one succeeds."""
    venues = collector([SICK])
    venues.collect(["BTC"])
    exchanges.fault(SICK, Fault(kind=FaultKind.DOWN, requests_left=3))

    report = report_of(venues.collect(["BTC"]), SICK)

    assert (None, 4, 1) == (report.reason, report.attempts, report.points)
    assert 7_000 <= report.latency_ms


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.REFUSED, Reason.UNAVAILABLE),
        (FaultKind.DOWN, Reason.UNAVAILABLE),
        (FaultKind.MALFORMED, Reason.MALFORMED),
        (FaultKind.RATE_LIMITED, Reason.RATE_LIMITED),
    ],
)
def test_every_venues_client_names_the_fault_alike(
    exchanges: ExchangeServer, collector: Collector, kind: FaultKind, reason: Reason
) -> None:
    """However differently the venues' clients take it: some raise, some return text, some make an empty list of it."""
    for venue in VENUES:
        exchanges.fault(venue, Fault(kind=kind))

    collection = collector(list(VENUES), deadline_s=6.9).collect(["BTC"])

    assert dict.fromkeys(VENUES, reason) == {report.venue: report.reason for report in collection.reports}
    assert () == collection.points


def test_a_venue_comes_back_with_all_its_markets(exchanges: ExchangeServer, collector: Collector) -> None:
    """Listings that arrived broken are not kept: each venue is whole in the next collection."""
    venues = collector(["okx", "cryptocom", "bitstamp", "gate", "htx"], deadline_s=6.9)
    for venue in VENUES:
        exchanges.fault(venue, Fault(kind=FaultKind.MALFORMED))
    assert () == venues.collect(["BTC"]).points

    exchanges.clear()
    collection = venues.collect(["BTC"])

    assert [True] * 5 == [report.ok for report in collection.reports]


def test_listings_are_loaded_once(exchanges: ExchangeServer, collector: Collector) -> None:
    """Later collections ask for tickers only."""
    before = exchanges.requests()[SICK].get(INSTRUMENTS, 0)
    venues = collector([SICK])

    attempts = [report_of(venues.collect(["BTC"]), SICK).attempts for _ in range(3)]

    assert 1 == exchanges.requests()[SICK][INSTRUMENTS] - before
    assert [2, 1, 1] == attempts


def test_questions_that_were_cut_off_do_not_queue_up(collector: Collector) -> None:
    """Kraken allows one request a second: eight visits of 0.3 s each must not make the ninth wait for theirs."""
    venues = collector(["kraken"])
    hurried = [report_of(venues.collect(["BTC"], deadline_s=0.3), "kraken").reason for _ in range(8)]

    report = report_of(venues.collect(["BTC"]), "kraken")

    assert [Reason.TIMED_OUT] * 8 == hurried
    assert report.ok
    assert report.latency_ms < 7_000  # near 10 s if it did


def test_no_socket_stays_open(exchanges: ExchangeServer) -> None:
    """Neither between two collections nor after the last, whatever happened in them."""
    before = _open_sockets()
    with Venues([SICK, WELL, "gate"], exchanges.venue_urls, timeout_s=0.4, deadline_s=0.9) as venues:
        venues.collect(["BTC"])
        between = [_open_sockets()]
        for kind in (FaultKind.SLOW, FaultKind.REFUSED, FaultKind.MALFORMED):
            exchanges.fault(SICK, Fault(kind=kind))
            venues.collect(["BTC"])
            between.append(_open_sockets())

    # The event loop's own pair, with which a signal wakes it.
    assert [before + 2] * 4 == between
    assert before == _open_sockets()


def test_a_collection_that_is_cut_off_spoils_no_later_one(exchanges: ExchangeServer, collector: Collector) -> None:
    """An alarm in the middle, as the deadline guard's, ends it at once; the next one starts afresh."""
    venues = collector([SICK, WELL])
    venues.collect(["BTC"])
    exchanges.fault(SICK, Fault(kind=FaultKind.SLOW, delay_s=20))

    class Alarm(Exception):
        """Time is up."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Alarm

    earlier = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(Alarm):
            venues.collect(["BTC"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    exchanges.clear()
    collection = venues.collect(["BTC"])

    assert [True, True] == [report.ok for report in collection.reports]


def _open_sockets() -> int:
    """How many file descriptors of this process are sockets."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        # The descriptor that lists the folder is gone by the time it is looked at.
        with suppress(FileNotFoundError):
            links.append(str(entry.readlink()))
    return sum(link.startswith("socket:") for link in links)
