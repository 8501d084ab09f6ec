"""Back-tests: a stored decision made again, and what is told when it cannot be."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions.oracle.core.anomaly import Model
from functions.oracle.core.back_test import Replay, StoredDecision, StoredFeed, points_seen, replay
from functions.oracle.core.decision import FeedDecision, Reputations, decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.core.stored_points import StoredPoint, digest_of
from tests.unit.oracle.forests import model_against

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FEEDS = [Feed(feed_id(name), 2) for name in ("BTC/USD", "ETH/USD", "XRP/USD")]
SOURCES = ("binance", "bitstamp", "kraken", "okx")
SEED = 20_261_121


def some_points(dice: random.Random) -> list[StoredPoint]:
    """A window of three feeds at four venues, some quoted in USDT, some stale, with a liar and an absent feed."""
    points = [
        StoredPoint(
            symbol=f"{base}/{dice.choice(['USD', 'USDT'])}",
            source=source,
            time=NOON - timedelta(seconds=age, microseconds=dice.randrange(10**6)),
            price=Decimal(price) * (2 if dice.random() < 0.05 else 1) + Decimal(dice.randrange(1_000)).scaleb(-2),
            volume=None if dice.random() < 0.2 else Decimal(dice.randrange(10**6)).scaleb(-4),
            worker_id="test",
            ingested_at=NOON,
            stored_in=90 + dice.randrange(9),
        )
        for base, price in (("BTC", 93_480), ("ETH", 3_125))
        for source in SOURCES
        for age in range(dice.randrange(90), 179, 20)
    ]
    rates = [StoredPoint("USDT/USD", source, NOON, Decimal("0.9993"), None, "test", NOON, 99) for source in SOURCES[:3]]
    return points + rates


def reputations(dice: random.Random) -> Reputations:
    """What some sources had earned; others are new."""
    return {
        feed.name: {source: round(0.05 + 0.95 * dice.random(), 6) for source in SOURCES if dice.random() < 0.7}
        for feed in FEEDS
    }


def as_rows(decisions: tuple[FeedDecision, ...]) -> dict[str, StoredFeed]:
    """Decisions as the database gives them back."""
    return {
        each.feed.name: StoredFeed(
            vwap=each.aggregate.vwap,
            twap=each.aggregate.twap,
            weighted_median=each.aggregate.weighted_median,
            consensus=each.aggregate.consensus,
            confidence=each.aggregate.confidence or 0.0,
            sources={name: (price, each.trusted[name]) for name, price in each.aggregate.source_prices.items()},
            left_out=dict(each.left_out),
            flagged=each.aggregate.flagged,
        )
        for each in decisions
        if each.aggregate.consensus is not None
    }


def decided(
    points: list[StoredPoint], weighed: Reputations, snapshot: str = "100:100:", model: Model | None = None
) -> StoredDecision:
    """What a commit would have stored about these points."""
    seen: list[VenuePrice] = [point.as_priced for point in points]
    return StoredDecision(
        voting_round=7,
        reward_epoch=1,
        decided_at=NOON,
        snapshot=snapshot,
        points=len(seen),
        points_digest=digest_of(seen),
        model_version=None if model is None else model.version,
        feeds=as_rows(decide_values(FEEDS, seen, NOON, weighed, model)),
    )


def changed(stored: StoredDecision, symbol: str, **fields: object) -> StoredDecision:
    feed = replace(stored.feeds[symbol], **fields)  # type: ignore[arg-type]  # a test's own fields
    return replace(stored, feeds={**stored.feeds, symbol: feed})


def told(made: Replay) -> list[tuple[str, str]]:
    return [(each.symbol, each.field) for each in made.differences]


@pytest.mark.parametrize("seed", range(40))
def test_a_decision_comes_out_bit_for_bit_whatever_order_its_points_are_in(seed: int) -> None:
    """Only who took part is stored with its weight, and that is enough."""
    dice = random.Random(SEED + seed)
    points, weighed = some_points(dice), reputations(dice)
    stored = decided(points, weighed)
    dice.shuffle(points)

    made = replay(stored, FEEDS, points, None)

    assert (True, []) == (made.has_inputs, told(made))
    assert {name: feed.consensus for name, feed in stored.feeds.items()} == made.consensus
    assert stored.feeds


@pytest.mark.parametrize("seed", range(10))
def test_a_veto_comes_out_with_its_model_and_is_a_difference_without_it(seed: int) -> None:
    """Also where the vetoed source had a reputation, which is not stored, because it took no part."""
    dice = random.Random(SEED + seed)
    liar = [
        StoredPoint("BTC/USD", source, NOON - timedelta(seconds=age), price, None, "test", NOON, 90)
        for source, price in [(f"s{place}", Decimal("100") + place * Decimal("0.05")) for place in range(6)]
        + [("liar", Decimal("100.6"))]
        for age in (45, 25, 5)
    ]
    weighed = {"BTC/USD": {f"s{place}": round(0.3 + 0.1 * dice.random(), 6) for place in range(6)} | {"liar": 0.9}}
    model = model_against("deviation", 1.7)
    stored = decided(liar, weighed, model=model)

    with_model, without = (replay(stored, FEEDS, liar, each) for each in (model, None))

    assert {"liar": "vetoed"} == stored.feeds["BTC/USD"].left_out
    assert [] == told(with_model)
    assert ("BTC/USD", "without liar") in told(without)


def test_a_point_that_was_being_stored_then_does_not_count_now() -> None:
    """Whatever its time says: transaction 100 was open, 105 had not begun."""
    points = some_points(random.Random(SEED))
    late = [points[0]._replace(source="okx-2", stored_in=number) for number in (100, 105)]
    stored = decided(points, {}, snapshot="100:105:100")

    made = replay(stored, FEEDS, points + late, None)

    assert (True, []) == (made.has_inputs, told(made))
    assert len(points) == len(points_seen(stored, points + late))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vwap", None),
        ("twap", 1.0),
        ("weighted_median", 1.0),
        ("confidence", 0.25),
        ("flagged", None),
    ],
)
def test_every_number_counts_to_the_last_bit(field: str, value: object) -> None:
    """One field of one feed, told by name."""
    points = some_points(random.Random(SEED))
    stored = changed(decided(points, {}), "BTC/USD", **{field: value})

    assert [("BTC/USD", field)] == told(replay(stored, FEEDS, points, None))


def test_the_last_bit_of_a_consensus_is_a_difference() -> None:
    """No tolerance."""
    points = some_points(random.Random(SEED))
    stored = decided(points, {})
    consensus = stored.feeds["ETH/USD"].consensus
    other = changed(stored, "ETH/USD", consensus=consensus * (1 + 2**-52))

    (difference,) = replay(other, FEEDS, points, None).differences

    assert ("consensus", consensus) == (difference.field, difference.replayed)
    assert difference.stored != consensus


def test_who_took_part_and_who_was_left_out_is_compared() -> None:
    """A source more, a source less, another reason."""
    points = some_points(random.Random(SEED))
    stored = decided(points, {})
    feed = stored.feeds["BTC/USD"]
    other = changed(
        stored, "BTC/USD", sources={**feed.sources, "ghost": (1.0, 0.5)}, left_out={**feed.left_out, "liar": "stale"}
    )

    assert {("BTC/USD", "price of ghost"), ("BTC/USD", "weight of ghost"), ("BTC/USD", "without liar")} == set(
        told(replay(other, FEEDS, points, None))
    )


def test_a_feed_that_had_no_consensus_and_one_that_has_none_now_are_differences() -> None:
    """Both directions, field by field."""
    points = some_points(random.Random(SEED))
    stored = decided(points, {})
    fewer = replace(stored, feeds={"BTC/USD": stored.feeds["BTC/USD"]})

    assert {"ETH/USD"} == {symbol for symbol, _ in told(replay(fewer, FEEDS, points, None))}
    assert {"ETH/USD"} == {symbol for symbol, _ in told(replay(stored, [FEEDS[0], FEEDS[2]], points, None))}


@pytest.mark.parametrize("lost", ["one", "other", "changed"])
def test_without_its_points_a_round_is_not_compared(lost: str) -> None:
    """It says that its inputs are lost, instead of differences that mean nothing."""
    points = some_points(random.Random(SEED))
    stored = decided(points, {})
    left = {
        "one": points[1:],
        "other": [*points[1:], points[0]._replace(source="other")],
        "changed": [points[0]._replace(price=points[0].price + 1), *points[1:]],
    }[lost]

    assert Replay(voting_round=7, has_inputs=False, consensus={}) == replay(stored, FEEDS, left, None)
    assert not replay(stored, [], points, None).has_inputs
