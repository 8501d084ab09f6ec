"""queue_collect: the venues' answers go in, raw points and a report for each venue come out."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from functions.oracle.adapters.collect_tasks import collections_of
from functions.oracle.core.decision import decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.queue_collect import handler
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.exchanges.server import ExchangeServer
from tests.handlers.oracle.provider import Provider, Stage

pytestmark = pytest.mark.handlers

VENUES = ("bitstamp", "bybit", "cryptocom", "okx")
FEEDS = [Feed(feed_id("BTC/USD"), 2), Feed(feed_id("XRP/USD"), 5)]


def collected(stage: Stage, exchanges: ExchangeServer, **settings: Any) -> Provider:
    """A provider that collected once, at the time that the venues' clocks show."""
    urls = {venue: exchanges.venue_urls[venue] for venue in VENUES}
    provider = stage.provider(venues=",".join(VENUES), venue_urls=json.dumps(urls), collect_deadline_s=3, **settings)
    stage.clock.set(datetime.now(UTC))
    spec = collections_of(stage.clock.now(), FEEDS, every_s=60)[0]
    provider.deps.tasks.enqueue([spec])
    provider.run(handler, "oracle.collect", spec.business_key)
    return provider


def outcomes(provider: Provider) -> dict[str, str]:
    """What became of each venue."""
    with provider.kernel.postgres.transaction() as tx:
        rows = tx.all("select venue, outcome from oracle.venue_reports")
    return {row["venue"]: row["outcome"] for row in rows}


def decided(provider: Provider) -> list[Decimal | None]:
    """The values that a commit would carry now."""
    now = datetime.now(UTC)
    points = provider.deps.repository.points_between(now - provider.deps.window, now)
    return [decision.value for decision in decide_values(FEEDS, points, now, {})]


def test_every_venue_is_stored_with_its_points(stage: Stage, exchanges: ExchangeServer) -> None:
    """Each venue answered, and USDT-quoted points keep their quote."""
    provider = collected(stage, exchanges)

    quotes = provider.one("select count(*) filter (where symbol = 'BTC/USDT') as usdt from oracle.prices")
    assert outcomes(provider) == dict.fromkeys(VENUES, "ok")
    assert quotes["usdt"] == 2


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(kind=FaultKind.REFUSED), "unavailable"),
        (Fault(kind=FaultKind.DOWN), "unavailable"),
        (Fault(kind=FaultKind.SLOW, delay_s=20), "timed_out"),
        (Fault(kind=FaultKind.MALFORMED), "malformed"),
        (Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=30), "rate_limited"),
    ],
    ids=lambda value: value.kind.name.lower() if isinstance(value, Fault) else "",
)
def test_a_failing_venue_is_left_out_and_recorded(
    stage: Stage, exchanges: ExchangeServer, fault: Fault, outcome: str
) -> None:
    """The others' points stand, and the round has its values."""
    exchanges.fault("okx", fault)

    provider = collected(stage, exchanges)

    values = decided(provider)
    assert outcomes(provider) == {**dict.fromkeys(VENUES, "ok"), "okx": outcome}
    assert None not in values


def test_a_lying_venue_moves_no_value(stage: Stage, exchanges: ExchangeServer) -> None:
    """Twenty per cent off is an outlier, not an opinion."""
    exchanges.fault("okx", Fault(kind=FaultKind.LYING, lie_bps=2_000))

    provider = collected(stage, exchanges)

    value = provider.one("select max(price) / min(price) as spread from oracle.prices where symbol like 'BTC/%%'")
    values = decided(provider)
    honest = provider.one("select max(price) as price from oracle.prices where symbol = 'BTC/USD'")["price"]
    assert value["spread"] > Decimal("1.15")
    assert values[0] is not None
    assert abs(values[0] / honest - 1) < Decimal("0.005")


def test_collecting_twice_stores_nothing_twice(stage: Stage, exchanges: ExchangeServer) -> None:
    """With the venues' clocks held, the second collection brings the same points."""
    exchanges.hold(int(datetime.now(UTC).timestamp() * 1000))
    provider = collected(stage, exchanges)
    first = provider.one("select count(*) as n from oracle.prices")
    spec = collections_of(stage.clock.now(), FEEDS, every_s=30)[1]
    provider.deps.tasks.enqueue([spec])
    stage.clock.advance(30)

    provider.run(handler, "oracle.collect", spec.business_key)

    assert provider.one("select count(*) as n from oracle.prices") == first
