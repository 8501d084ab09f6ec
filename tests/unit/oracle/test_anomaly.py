"""Who is vetoed: a source at times, a round never."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.oracle.core.anomaly import ASPECTS, Judgement, Model, judge
from functions.oracle.core.anomaly_features import FEATURES, NOBODY, portray
from functions.oracle.core.decision import FeedDecision, decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.isolation_forest import read_forest
from functions.oracle.core.points import Points, microseconds
from functions.oracle.core.quotes import VenuePrice
from infra.local.oracle_windows import AT as SIMULATED_AT
from infra.local.oracle_windows import windows
from tests.unit.oracle.forests import model_against, octets, stump

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BTC = Feed(feed_id("BTC/USD"), 2)
NOTHING = np.empty((0, 0), dtype=np.int64)


def judged(**suspects: int) -> Judgement:
    return Judgement(
        portrait=NOBODY, version=1, depths=NOTHING, suspects={name: (odd, ("price",)) for name, odd in suspects.items()}
    )


def test_the_oddest_are_vetoed_a_third_at_most() -> None:
    """Of nine, three; by how far they are below a limit, equals by name."""
    found = judged(a=5, b=70, c=5, d=900).vetoes("abcdefghi")

    assert ("a", "b", "d") == found


def test_three_sources_are_always_left() -> None:
    """Of four one can go, of three none."""
    assert [("a",), ()] == [judged(a=5).vetoes("abcd"), judged(a=5).vetoes("abc")]


def test_where_half_are_suspects_nobody_is_vetoed() -> None:
    """Then it is the market that is odd, or the model."""
    assert [("a", "b"), ()] == [
        judged(a=1, b=2, c=3).vetoes("abcdefg")[:0] or judged(a=1, b=2).vetoes("abcdef"),
        judged(a=1, b=2, c=3).vetoes("abcdef"),
    ]


def test_a_suspect_that_takes_no_part_anyway_counts_for_nothing() -> None:
    """An outlier is out already; it uses up nobody's veto."""
    assert ("b",) == judged(a=9, b=1).vetoes("bcde")


def test_without_a_model_everybody_is_portrayed_and_nobody_suspected() -> None:
    """So that there is something to train the first model with."""
    portraits = [portray(Points.of(points), microseconds(SIMULATED_AT)) for points in windows(1, 3)]
    found = judge(portraits, None)

    assert [(portrait, None, {}) for portrait in portraits] == [
        (one.portrait, one.version, dict(one.suspects)) for one in found
    ]


def test_windows_are_judged_together_as_each_by_itself() -> None:
    """Windows of different sizes, one of them of nobody."""
    portraits = [portray(Points.of(points), microseconds(SIMULATED_AT)) for points in windows(2, 12)]
    portraits.insert(5, NOBODY)
    model = model_against("deviation", 1.5)
    together, alone = judge(portraits, model), [judge([portrait], model)[0] for portrait in portraits]

    assert [(one.depths.tolist(), dict(one.suspects)) for one in together] == [
        (one.depths.tolist(), dict(one.suspects)) for one in alone
    ]
    assert any(one.suspects for one in together)


def test_a_suspect_is_told_by_how_much_and_in_which_aspect() -> None:
    """A depth of 10 below a limit of 50 is 80 %."""
    (points,) = windows(2, 1)
    (found,) = judge([portray(Points.of(points), microseconds(SIMULATED_AT))], model_against("age", -1))

    assert {(800_000, ("price",))} == set(found.suspects.values())
    assert found.version == 7


def test_every_feature_is_looked_at() -> None:
    """By one aspect at least."""
    assert set(FEATURES) == {name for columns in ASPECTS.values() for name in columns}


def venue_prices(*amounts: float, lie: float | None = None) -> list[VenuePrice]:
    given = {f"s{place}": amount for place, amount in enumerate(amounts)} | ({} if lie is None else {"liar": lie})
    return [
        VenuePrice(
            base="BTC",
            quote="USD",
            price=Decimal(str(amount)),
            volume=Decimal(1),
            time=AT - timedelta(seconds=age),
            source=source,
        )
        for source, amount in given.items()
        for age in (45, 25, 5)
    ]


def decided(points: list[VenuePrice], feature: str, above: float) -> FeedDecision:
    (decision,) = decide_values([BTC], points, AT, {}, model_against(feature, above))
    return decision


def test_a_vetoed_source_does_not_count_and_is_told() -> None:
    """Nor does its reputation move; the model's version stands with the decision."""
    points = venue_prices(100, 100.05, 100.1, 100.15, 100.2, 100.25, lie=100.6)
    with_veto, without = decided(points, "deviation", 1.7), decide_values([BTC], points, AT, {})[0]

    assert {"liar": "vetoed"} == with_veto.left_out
    assert "liar" not in {*with_veto.trusted, *with_veto.learned}
    assert "liar" in without.trusted
    assert (Decimal("100.10"), Decimal("100.15")) == (with_veto.value, without.value)
    assert (7, {"liar"}) == (with_veto.judgement.version, set(with_veto.judgement.suspects))


def test_a_veto_after_which_too_few_would_agree_is_taken_back() -> None:
    """Two with little volume are odd; without them the others' many points agree so well that a and d are outliers."""
    points = [
        VenuePrice(
            base="BTC",
            quote="USD",
            price=Decimal(price),
            volume=Decimal(volume),
            time=AT - timedelta(seconds=5 * place + 1),
            source=source,
        )
        for source, price, volume, count in (
            ("a", "99", "1", 1),
            ("b", "100", "1", 3),
            ("c", "100", "1", 3),
            ("d", "101", "1", 1),
            ("e", "99", "0.001", 4),
            ("f", "101", "0.001", 4),
        )
        for place in range(count)
    ]
    thin = stump(FEATURES.index("share"), 0.1, below=10, above=100)
    model = Model(version=1, forest=read_forest(octets(len(FEATURES), {"volume": (50, thin)})))
    plain, (found,) = decide_values([BTC], points, AT, {})[0], decide_values([BTC], points, AT, {}, model)

    assert ("e", "f") == found.judgement.vetoes(plain.aggregate.source_prices)
    assert set("abcdef") == set(found.aggregate.source_prices)
    assert (found.aggregate, found.left_out) == (plain.aggregate, plain.left_out)


@given(
    st.lists(st.floats(min_value=90, max_value=110), min_size=1, max_size=12),
    st.sampled_from(FEATURES),
    st.floats(min_value=-1, max_value=4, width=32),
)
@settings(max_examples=150)
def test_no_model_takes_a_price_or_the_last_three_sources_away(
    amounts: list[float], feature: str, above: float
) -> None:
    """Whatever it says: there is a value where there was one, and at least as many sources as three or all."""
    points = venue_prices(*amounts)
    plain = decide_values([BTC], points, AT, {})[0]
    found = decided(points, feature, above)
    kept, before = set(found.aggregate.source_prices), set(plain.aggregate.source_prices)

    assert (found.value is None) == (plain.value is None)
    assert len(kept) >= min(3, len(before))
    assert len([why for why in found.left_out.values() if why == "vetoed"]) <= len(before) // 3
