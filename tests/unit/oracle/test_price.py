"""The aggregate of a window."""

import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.points import Number, Points
from functions.oracle.core.price import Aggregate, aggregate, aggregate_many, round_price
from tests.unit.oracle import slow_price
from tests.unit.oracle.slow_price import Tick

pytestmark = pytest.mark.unit

AT = 1_700_000_000
PINNED = [
    "0x1.8ffe7720473aap+6",
    "0x1.8ffca10940a58p+6",
    "0x1.8ffe47991bc56p+6",
    "0x1.8ffb58e34de2bp+6",
    "0x1.c6e19c59a0362p-8",
]
Raw = tuple[Number, Number | None, float, str]


def at(*points: tuple[Number, Number | None, int, str], trust: dict[str, float] | None = None) -> Aggregate:
    """The aggregate of points given by their age in seconds."""
    return aggregate(
        [(price, volume, AT - age, source) for price, volume, age, source in points], AT, reputation=trust or {}
    )


def test_an_empty_window_says_nothing() -> None:
    """Everything is None, and it is flagged."""
    assert Aggregate(source_prices={}) == at()
    assert at().flagged
    assert at().consensus is None


def test_vwap_is_money_over_volume() -> None:
    """(10 * 1 + 12 * 3) / 4."""
    assert 11.5 == at((10, 1, 5, "a"), (12, 3, 5, "b")).vwap


def test_vwap_takes_only_points_with_volume() -> None:
    """Without volume, or with zero, a point says nothing here; when none has any there is no VWAP."""
    assert 10.0 == at((10, 1, 5, "a"), (10.01, 0, 5, "b"), (10.02, None, 5, "c")).vwap
    assert at((10, 0, 5, "a"), (10, None, 5, "b")).vwap is None


def test_twap_holds_a_price_until_the_next_point_or_now() -> None:
    """10 for 20 s and 11 for 10 s: 310 / 30."""
    assert pytest.approx(310 / 30, rel=1e-15) == at((10, None, 30, "a"), (11, None, 10, "a")).twap


def test_twap_weighs_sources_by_the_time_they_cover() -> None:
    """10 for 30 s and 10.4 for 10 s: (300 + 104) / 40."""
    assert pytest.approx(10.1, rel=1e-15) == at((10, None, 30, "a"), (10.4, None, 10, "b")).twap


def test_twap_of_points_at_this_very_moment_is_nothing() -> None:
    """They cover no time."""
    assert at((10, None, 0, "a"), (10, None, 0, "b")).twap is None


def test_the_weighted_median_is_the_first_price_that_reaches_half() -> None:
    """Volumes 1, 1, 2: exactly half after the second price. No mean is taken."""
    assert 11.0 == at((10, 1, 5, "a"), (11, 1, 5, "b"), (12, 2, 5, "c")).weighted_median
    assert 12.0 == at((10, 1, 5, "a"), (11, 1, 5, "b"), (12, 2.5, 5, "c")).weighted_median


def test_the_order_of_volumes_among_equal_prices_does_not_matter() -> None:
    """Added one by one in binary, 0.35, 0.93, 0.3 and 0.76 make half of 4.68 in some orders and less in others."""
    rest = [(10.01, volume, age, "b") for age, volume in enumerate([0.07, 0.58, 0.21, 1.48])]
    medians = {
        at(*[(10, volume, age, "a") for age, volume in enumerate(order)], *rest).weighted_median
        for order in permutations([0.35, 0.93, 0.3, 0.76])
    }

    assert {10.0} == medians


def test_a_point_without_volume_weighs_the_median_volume_of_the_rest() -> None:
    """Volumes 1 and 5 give 3 to the third: 1, 5, 3 put the middle on the second price."""
    assert 11.0 == at((10, 1, 5, "a"), (11, 5, 5, "b"), (12, None, 5, "c")).weighted_median
    assert (
        12.0
        == at(
            (10, 4, 5, "a"), (11, 6, 5, "b"), (12, None, 5, "c"), (13, None, 5, "c"), (14, None, 5, "c")
        ).weighted_median
    )


def test_without_any_volume_all_points_weigh_the_same() -> None:
    """Unknown volumes count as 1, and so do volumes that are all zero."""
    assert 11.0 == at((10, None, 5, "a"), (11, None, 5, "b"), (12, None, 5, "c")).weighted_median
    assert 11.0 == at((10, 0, 5, "a"), (11, 0, 5, "b"), (12, 0, 5, "c")).weighted_median


def test_reputation_weighs_points_and_sources() -> None:
    """Two sources that nobody trusts do not outvote one that everybody does."""
    points = ((10, 1, 5, "a"), (11, 1, 5, "b"), (12, 1, 5, "c"))

    assert (11.0, 11.0) == (at(*points).weighted_median, at(*points).consensus)
    trusted = at(*points, trust={"a": 0.05, "b": 0.05, "c": 1.0})
    assert (12.0, 12.0) == (trusted.weighted_median, trusted.consensus)


def test_reputation_counts_when_no_point_has_weight_of_its_own() -> None:
    """Zero volumes become 1, times reputation."""
    points = ((10, 0, 5, "a"), (11, 0, 5, "b"), (12, 0, 5, "c"))

    assert 12.0 == at(*points, trust={"a": 0.05, "b": 0.05, "c": 1.0}).weighted_median


def test_a_source_that_is_not_known_counts_as_new() -> None:
    """0.5, as much as the two others together."""
    points = ((10, 1, 5, "new"), (11, 1, 5, "b"), (12, 1, 5, "c"))

    assert 10.0 == at(*points, trust={"b": 0.25, "c": 0.25}).consensus
    assert 11.0 == at(*points, trust={"b": 0.25, "c": 0.26}).consensus


def test_the_consensus_is_over_the_sources_own_vwaps() -> None:
    """A source with many points has one voice: 10.0, 10.1 and (9.9 + 10.3 * 3) / 4 = 10.2."""
    result = at((9.9, 1, 9, "c"), (10.3, 3, 5, "c"), (10.0, 1, 5, "a"), (10.1, 1, 5, "b"))

    assert pytest.approx(10.1) == result.consensus
    assert pytest.approx({"a": 10.0, "b": 10.1, "c": 10.2}) == result.source_prices


def test_a_source_without_volume_speaks_with_its_last_price() -> None:
    """Not with its first, and not with a mean."""
    assert {"a": 10.2} == at((10.1, None, 9, "a"), (10.2, None, 5, "a"), (10.0, 0, 7, "a")).source_prices


def test_confidence_is_the_spread_of_the_sources_over_the_root_of_their_number() -> None:
    """Prices 10, 10.1, 10.3 and 10.4 lie 0.2, 0.1, 0.1 and 0.2 from 10.2: MAD 0.15; 1.96 * 1.4826 * 0.15 / 2."""
    result = at((10, 1, 5, "a"), (10.1, 1, 5, "b"), (10.3, 1, 5, "c"), (10.4, 1, 5, "d"))

    assert pytest.approx(1.96 * 1.4826 * 0.15 / 2) == result.confidence


def test_fewer_than_three_sources_are_flagged() -> None:
    """Two agree by chance."""
    assert at((10, 1, 5, "a"), (10, 1, 5, "b")).flagged
    assert not at((10, 1, 5, "a"), (10, 1, 5, "b"), (10, 1, 5, "c")).flagged


def test_a_point_outside_the_window_does_not_count() -> None:
    """180 s old is in, a second more is out, and the future is no evidence."""
    inside = at((10, 1, 180, "a"), (12, 1, 5, "a"), (11, 1, 5, "b"))
    outside = at((10, 1, 181, "a"), (12, 1, 5, "a"), (11, 1, 5, "b"), (99, 1, -1, "b"))

    assert pytest.approx(11.0) == inside.vwap
    assert pytest.approx(11.5) == outside.vwap
    assert () == outside.outliers


def test_a_source_whose_newest_point_is_older_than_60_seconds_is_stale() -> None:
    """60 s is not; who is stale is said by name."""
    fresh = at((10, 1, 60, "a"), (11, 1, 5, "b"))
    stale = at((10, 1, 61, "a"), (11, 1, 5, "b"))
    among_stale = at((10, 1, 60, "a"), (11, 1, 5, "b"), (12, 1, 61, "c"))

    assert (10.5, ()) == (fresh.vwap, fresh.stale_sources)
    assert (10.5, ("c",)) == (among_stale.vwap, among_stale.stale_sources)
    assert (11.0, ("a",)) == (stale.vwap, stale.stale_sources)
    assert {"b": 11.0} == stale.source_prices


def test_a_source_that_speaks_only_in_the_future_is_not_there() -> None:
    """Neither fresh nor stale."""
    result = at((10, 1, -1, "a"), (11, 1, 5, "b"))

    assert (("b",), ()) == (tuple(result.source_prices), result.stale_sources)


def test_when_all_sources_are_stale_nothing_is_said() -> None:
    """But who they were."""
    assert Aggregate(source_prices={}, stale_sources=("a", "b")) == at((10, 1, 61, "b"), (10, 1, 100, "a"))


def test_an_outlier_is_left_out_of_everything_and_named_by_its_place() -> None:
    """12 among tens: |0.6745 * 1.98 / 0.02| is far beyond 3.5."""
    points = [(10.00, 1, 5, "a"), (12.0, 9, 5, "d"), (10.02, 1, 5, "b"), (10.04, 1, 5, "c"), (9.98, 1, 5, "e")]
    result = at(*points)
    without = at(*[point for point in points if point[3] != "d"])

    assert (1,) == result.outliers
    assert without.source_prices == result.source_prices
    assert (without.vwap, without.twap, without.weighted_median) == (result.vwap, result.twap, result.weighted_median)
    assert (without.consensus, without.confidence) == (result.consensus, result.confidence)


def test_the_outlier_bound_is_strict() -> None:
    """Around 0 with MAD 6745: a distance of exactly 35000 is at 3.5 and stays; one more is out."""
    base = [1_000_000 + offset for offset in (-6_745, -6_745, 0, 6_745, 6_745, -1, 1)]

    def outliers(distance: int) -> tuple[int, ...]:
        prices = [*base, 1_000_000 + distance, 1_000_000 - 10_000]
        return at(*[(price, 1, 5, f"s{n}") for n, price in enumerate(prices)]).outliers

    assert () == outliers(35_000)
    assert (7,) == outliers(35_001)


def test_identical_prices_tolerate_half_a_percent() -> None:
    """MAD is 0: a price 0.5 % away stays, one a little further is out."""
    same = [(100.0, 1, 5, f"s{n}") for n in range(5)]

    assert () == at(*same, (100.5, 1, 5, "x"), (99.5, 1, 5, "y")).outliers
    assert (5,) == at(*same, (100.51, 1, 5, "x")).outliers
    assert (5,) == at(*same, (99.49, 1, 5, "x")).outliers


def test_a_single_point_is_everything() -> None:
    """And is flagged, with no width at all."""
    result = at((10, 2, 5, "a"))

    assert (10.0, 10.0, 10.0, 10.0, 0.0) == (
        result.vwap,
        result.twap,
        result.weighted_median,
        result.consensus,
        result.confidence,
    )
    assert result.flagged


@pytest.mark.parametrize(
    ("price", "decimals", "rounded"), [(0.125, 2, "0.13"), (2.5, 0, "3"), (1.005, 2, "1.00"), (0.1 + 0.2, 5, "0.30000")]
)
def test_a_price_is_rounded_to_its_feeds_decimals(price: float, decimals: int, rounded: str) -> None:
    """Half away from zero, from the exact value of the float: 1.005 is a little less than it looks."""
    assert Decimal(rounded) == round_price(price, decimals)
    assert rounded == str(round_price(price, decimals))


def random_window(source: random.Random) -> list[tuple[str, str | None, int, str]]:
    """Some sources with some points each; some stale, some wild, some without volume."""
    points = []
    for name in range(source.randint(1, 6)):
        latest = source.choice([0, 5, 30, 60, 61, 100])
        # A source has one point at a moment, as in the store.
        for age in source.sample(range(131), source.randint(1, 8)):
            wild = source.random() < 0.05
            price = f"{source.gauss(100, 10 if wild else 0.05):.4f}"
            # In 64ths, which binary fractions hold exactly: whether a sum is half is then no matter of rounding.
            volume = source.choice([None, "0", str(source.randint(1, 200) / 64), str(source.randint(1, 200) / 64)])
            points.append((price, volume, AT - latest - age, f"s{name}"))
    source.shuffle(points)
    return points


@pytest.mark.parametrize("seed", range(5))
def test_random_windows_are_the_slow_references(seed: int) -> None:
    """Five batches of 200: the specification's sentences in exact fractions."""
    source = random.Random(seed)
    for _ in range(200):
        raw = random_window(source)
        trust = {f"s{n}": source.choice([0.25, 0.5, 1.0]) for n in range(6)}
        ticks = [Tick(Fraction(p), None if v is None else Fraction(v), t, s) for p, v, t, s in raw]
        expected = slow_price.aggregate(ticks, AT, {name: Fraction(value) for name, value in trust.items()})
        result = aggregate(raw, AT, reputation=trust)

        for name in ("vwap", "twap", "weighted_median", "consensus", "confidence"):
            theirs, ours = expected[name], getattr(result, name)
            assert (theirs is None) == (ours is None)
            assert theirs is None or pytest.approx(float(theirs), rel=1e-12, abs=1e-12) == ours
        assert expected["outliers"] == {ticks[position] for position in result.outliers}
        assert expected["stale"] == set(result.stale_sources)


def bits(result: Aggregate) -> Sequence[str | None]:
    values = (result.vwap, result.twap, result.weighted_median, result.consensus, result.confidence)
    return [None if value is None else value.hex() for value in values]


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_a_stored_decision_replays_bit_for_bit(seed: int, source: random.Random) -> None:
    """The same points in any order, as decimals or as text, give the same bits."""
    raw = random_window(random.Random(seed))
    shuffled: list[Raw] = [(Decimal(p), None if v is None else Decimal(v), t, s) for p, v, t, s in raw]
    source.shuffle(shuffled)

    assert bits(aggregate(raw, AT)) == bits(aggregate(shuffled, AT))


def test_the_bits_of_a_decision_are_these() -> None:
    """A window of 240 points decided once: whoever changes an order of additions will see it here."""
    source = random.Random(2026)
    window = [
        (f"{source.gauss(100, 0.05):.5f}", f"{source.expovariate(1):.4f}", AT - source.randint(0, 179), f"s{n % 8}")
        for n in range(240)
    ]

    assert PINNED == bits(aggregate(window, AT, reputation={"s1": 0.9, "s2": 0.7}))


def test_many_windows_have_the_aggregates_of_each() -> None:
    """Bit for bit, with the same reputations."""
    source = random.Random(4)
    windows = [Points.of(random_window(source)) for _ in range(50)]
    trust = {"s0": 0.9, "s1": 0.3}

    assert [aggregate(window, AT, reputation=trust) for window in windows] == aggregate_many(
        windows, AT, reputation=trust
    )
