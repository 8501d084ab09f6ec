"""What is submitted for a round, and why."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.decision import commit_to, decide_values, reveal_calldata
from functions.oracle.core.feed_values import decode
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, parse_calldata
from functions.oracle.core.price import aggregate
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.core.submissions import decode_reveal

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BTC, ETH = Feed(feed_id("BTC/USD"), 2), Feed(feed_id("ETH/USD"), 3)
SUBMITTER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def price(base: str, amount: str, source: str, *, quote: str = "USD", age_s: int = 5) -> VenuePrice:
    return VenuePrice(
        base=base,
        quote=quote,
        price=Decimal(amount),
        volume=Decimal(1),
        time=AT - timedelta(seconds=age_s),
        source=source,
    )


def test_each_feed_gets_its_consensus_with_its_decimals() -> None:
    """In feed order, half up."""
    points = [price("ETH", "3000.1235", "a"), price("BTC", "91234.565", "a"), price("BTC", "91234.565", "b")]

    decisions = decide_values([BTC, ETH], points, AT, {})

    assert [Decimal("91234.57"), Decimal("3000.124")] == [decision.value for decision in decisions]
    assert [BTC, ETH] == [decision.feed for decision in decisions]


def test_a_usdt_price_is_converted_before_it_counts() -> None:
    """At 0.99 USD a USDT, 100 USDT are 99 USD."""
    points = [price("USDT", "0.99", "a"), price("BTC", "100", "b", quote="USDT")]

    assert [Decimal("99.00")] == [decision.value for decision in decide_values([BTC], points, AT, {})]


def test_without_a_usdt_price_a_usdt_quoted_market_is_left_out() -> None:
    """It is never taken for USD."""
    (decision,) = decide_values([BTC], [price("BTC", "100", "b", quote="USDT")], AT, {})

    assert (None, {}, {}) == (decision.value, decision.trusted, decision.learned)


def test_whose_points_were_left_out_is_told_with_the_reason() -> None:
    """A liar, a venue that went silent and a quote without a rate; the honest ones are not named."""
    honest = [price("BTC", f"{91_234 + number}", source) for number, source in enumerate("abcd")]
    points = [
        *honest,
        price("BTC", "120000", "liar"),
        price("BTC", "91234", "silent", age_s=170),
        price("BTC", "91234", "quote", quote="USDT"),
    ]
    (decision,) = decide_values([BTC], points, AT, {})

    assert {"liar": "outlier", "silent": "stale", "quote": "unconverted"} == decision.left_out
    assert set("abcd") == set(decision.trusted)


def test_a_feed_without_points_is_missing() -> None:
    """Stale ones are none."""
    (decision,) = decide_values([BTC], [price("BTC", "100", "a", age_s=61)], AT, {})

    assert decision.value is None
    assert ("a",) == decision.aggregate.stale_sources


def test_a_consensus_that_does_not_fit_its_slot_is_missing() -> None:
    """Two decimals leave room for 21,474,836.47."""
    decisions = [
        decide_values([BTC], [price("BTC", amount, "a")], AT, {})[0].value for amount in ("21474836.47", "21474836.48")
    ]

    assert [Decimal("21474836.47"), None] == decisions


def test_sources_weigh_by_what_they_are_worth_for_this_feed() -> None:
    """Trust earned with one feed is none for another."""
    points = [
        price(base, amount, source) for base in ("BTC", "ETH") for amount, source in (("10", "a"), ("10.01", "b"))
    ]
    reputations = {"BTC/USD": {"a": 0.2, "b": 0.9}}

    btc, eth = decide_values([BTC, ETH], points, AT, reputations)

    assert (Decimal("10.01"), Decimal("10.000")) == (btc.value, eth.value)
    assert ({"a": 0.2, "b": 0.9}, {"a": 0.5, "b": 0.5}) == (btc.trusted, eth.trusted)


def test_reputations_learn_from_the_decision() -> None:
    """Who stood on the consensus rises, who was 0.1 % off rises less; what is not seen stays."""
    points = [price("BTC", "10", "a"), price("BTC", "10.01", "b")]

    (decision,) = decide_values([BTC], points, AT, {"BTC/USD": {"a": 0.9, "b": 0.5, "c": 0.7}})

    assert {"a": 0.905, "b": 0.515, "c": 0.7} == decision.learned


def test_a_decision_replays_from_what_it_was_weighed_with() -> None:
    """The stored trust gives the same aggregate, also where none was known before."""
    points = [price("BTC", f"{100 + number / 7:.5f}", f"s{number}", age_s=number) for number in range(9)]
    (decision,) = decide_values([BTC], points, AT, {"BTC/USD": {"s3": 0.8}})
    (unknown,) = decide_values([BTC], points, AT, {})
    window = [(point.price, point.volume, point.time, point.source) for point in points]

    assert decision.aggregate == aggregate(window, AT, reputation=decision.trusted)
    assert unknown.aggregate == aggregate(window, AT, reputation=unknown.trusted)


def test_a_commitment_binds_the_values_and_opens_to_them() -> None:
    """The hash is the protocol's, the reveal shows what was decided."""
    decisions = decide_values([BTC, ETH], [price("BTC", "100.5", "a"), price("ETH", "7", "a")], AT, {})
    commitment = commit_to(decisions, submitter=SUBMITTER, voting_round=812_576, random=7)
    (commit,) = parse_calldata(commitment.calldata)
    (reveal,) = parse_calldata(reveal_calldata(812_576, commitment.opening))
    opened = decode_reveal(reveal.payload, 2)

    assert opened == commitment.opening
    assert (100, 812_576, commitment.hash) == commit
    assert (100, 812_576) == reveal[:2]
    assert commitment.hash == commit_hash(SUBMITTER, 812_576, 7, commitment.opening.feed_values)
    assert [Decimal("100.50"), Decimal("7.000")] == decode(commitment.opening.feed_values, [2, 3])
    assert (SUBMIT1, SUBMIT2) == (commitment.calldata[:4], reveal_calldata(812_576, commitment.opening)[:4])
    assert decisions == commitment.decisions
