"""The accuracy reward of a round."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feeds import feed_id
from functions.oracle.core.median import NO_VOTES, Median, weighted_median
from functions.oracle.core.rewards import RewardConfig, RewardUnfit, border_counts, decline, split
from functions.oracle.core.rounds import RoundResult
from tests.unit.oracle import slow_rewards

pytestmark = pytest.mark.unit

BTC = feed_id("BTC/USD")
CONFIG = RewardConfig(voting_round=812_576, feed_id=BTC, position=0, registered_weight=100, secondary_band_ppm=10_000)
ALICE, BOB, CAROL, DAVE = ("0x" + bytes([letter] * 20).hex() for letter in b"abcd")


def outcome(*medians: Median) -> RoundResult:
    return RoundResult(medians=medians, offenders=frozenset())


def paid(
    values: Mapping[str, int | None], weights: Mapping[str, int], pool: int = 1_000, config: RewardConfig = CONFIG
) -> dict[str, int]:
    """One feed, whose median is that of the votes."""
    median = weighted_median([values.get(voter) for voter in weights], list(weights.values()))
    return split(outcome(median), {voter: [value] for voter, value in values.items()}, weights, pool, config)


def test_both_bands_pay_by_weight() -> None:
    """Quartiles 1 000 and 1 003; Bob is inside both bands, the others' borders fall as they may, Dave is far off."""
    values = {ALICE: 1_000, BOB: 1_001, CAROL: 1_003, DAVE: 5_000}
    weights = {ALICE: 30, BOB: 30, CAROL: 30, DAVE: 10}
    inside = [voter for voter in (ALICE, CAROL) if border_counts(BTC, 812_576, voter)]
    iqr = 30 + 30 * len(inside)
    expected = {
        voter: 400_000 * 30 * 90 * (voter == BOB or voter in inside) + 600_000 * 30 * iqr
        for voter in (ALICE, BOB, CAROL)
    }

    assert decline(1_000, expected) == paid(values, weights)


def test_a_vote_on_the_border_of_the_percentage_band_is_outside() -> None:
    """Strictly inside: 1 % of 1 000 is 10, and 1 010 is 10 away."""
    values = {ALICE: 1_000, BOB: 1_000, CAROL: 1_010, DAVE: 1_009}
    lucky = next(number for number in range(100) if border_counts(BTC, number, ALICE))
    config = replace(CONFIG, voting_round=lucky, primary_share_ppm=0)

    found = paid(values, {ALICE: 40, BOB: 40, CAROL: 10, DAVE: 10}, config=config)

    assert {ALICE: 444, BOB: 444, DAVE: 112} == found


def test_a_quartiles_vote_counts_by_its_hash() -> None:
    """The parity of keccak256(abi.encode(bytes, uint256, address)), as the vendors' encoder writes it."""
    voters = ["0x" + number.to_bytes(20, "big").hex() for number in range(64)]

    assert [slow_rewards.is_odd(BTC, 7, voter) for voter in voters] == [
        border_counts(BTC, 7, voter) for voter in voters
    ]
    assert {True, False} == {border_counts(BTC, 7, voter) for voter in voters}


def test_without_a_vote_in_the_percentage_band_the_quartiles_alone_count() -> None:
    """A band of width 0 has nobody strictly inside; the quartiles are Bob's and Carol's votes."""
    lucky = next(
        number for number in range(100) if border_counts(BTC, number, BOB) and border_counts(BTC, number, CAROL)
    )
    config = replace(CONFIG, voting_round=lucky, secondary_band_ppm=0)

    assert {BOB: 666, CAROL: 334} == paid(
        {ALICE: 10, BOB: 20, CAROL: 30}, {ALICE: 10, BOB: 60, CAROL: 30}, config=config
    )


def test_below_half_of_the_registered_weight_nothing_is_paid() -> None:
    """49 of 100 are too few, 50 are enough."""
    values: dict[str, int | None] = {ALICE: 1_000, BOB: 1_001, CAROL: 999}

    assert {} == paid(values, {ALICE: 20, BOB: 20, CAROL: 9})
    assert 1_000 == sum(paid(values, {ALICE: 20, BOB: 20, CAROL: 10}).values())


def test_a_feed_without_votes_pays_nothing() -> None:
    """What was offered goes back."""
    assert {} == split(outcome(NO_VOTES), {ALICE: [None]}, {ALICE: 100}, 1_000, CONFIG)


def test_only_the_rewarded_feed_matters() -> None:
    """The second of two feeds is rewarded, where Bob was far off."""
    medians = (weighted_median([1, 1], [50, 50]), weighted_median([1_000, 9_000], [60, 40]))
    votes = {ALICE: [1, 1_000], BOB: [1, 9_000]}
    lucky = next(number for number in range(100) if border_counts(BTC, number, ALICE))
    config = replace(CONFIG, voting_round=lucky, position=1, primary_share_ppm=0)

    assert {ALICE: 1_000} == split(outcome(*medians), votes, {ALICE: 60, BOB: 40}, 1_000, config)


def test_a_band_lies_around_a_negative_median_too() -> None:
    """Its width is of the absolute value: Dave is beyond a quartile, but within 1 %."""
    values = {ALICE: -1_001, BOB: -1_000, CAROL: -999, DAVE: -1_005}

    assert DAVE in paid(values, {ALICE: 30, BOB: 30, CAROL: 30, DAVE: 10})


def test_addresses_match_whatever_their_case() -> None:
    """The chain's are in mixed case, the registry's are not."""
    values: dict[str, int | None] = {ALICE.upper().replace("0X", "0x"): 1_000, BOB: 1_001, CAROL: 999}
    median = weighted_median([1_000, 1_001, 999], [40, 30, 30])

    found = split(
        outcome(median), {one: [value] for one, value in values.items()}, {ALICE: 40, BOB: 30, CAROL: 30}, 1_000, CONFIG
    )

    assert ALICE in found


@pytest.mark.parametrize(
    ("field", "value"),
    [("position", -1), ("secondary_band_ppm", -1), ("primary_share_ppm", 1_000_001), ("min_turnout_bips", 10_001)],
)
def test_what_no_offer_says_is_refused(field: str, value: int) -> None:
    """A share above all of it, or below nothing."""
    with pytest.raises(RewardUnfit):
        replace(CONFIG, **{field: value})  # type: ignore[arg-type]  # a field's name as text


@pytest.mark.parametrize(("pool", "position"), [(-1, 0), (1, 1)])
def test_a_negative_pool_and_another_rounds_feed_are_refused(pool: int, position: int) -> None:
    """There is one feed."""
    with pytest.raises(RewardUnfit):
        split(outcome(NO_VOTES), {}, {}, pool, replace(CONFIG, position=position))


VOTES = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-50, 50).map(lambda step: 10_000 + step)), st.integers(0, 10**24)),
    min_size=1,
    max_size=12,
)


@given(VOTES, st.integers(0, 10**24), st.integers(0, 20_000), st.integers(0, 1_000_000))
def test_the_split_is_that_of_the_slow_words(
    cast: list[tuple[int | None, int]], pool: int, band: int, primary: int
) -> None:
    """Whatever is voted and weighs, in wei; and the whole pool is paid, or nothing."""
    voters = ["0x" + (number + 1).to_bytes(20, "big").hex() for number in range(len(cast))]
    values, weights = [value for value, _ in cast], [weight for _, weight in cast]
    median = weighted_median(values, weights)
    config = replace(CONFIG, registered_weight=0, secondary_band_ppm=band, primary_share_ppm=primary)

    found = split(
        outcome(median),
        {voter: [value] for voter, value in zip(voters, values, strict=True)},
        dict(zip(voters, weights, strict=True)),
        pool,
        config,
    )

    assert sum(found.values()) in (0, pool)
    if median.value is None or median.q1 is None or median.q3 is None:
        assert {} == found
    else:
        rules = {"band": band, "primary": primary, "feed": BTC, "round": 812_576}
        votes = list(zip(voters, values, weights, strict=True))
        assert slow_rewards.split((median.value, median.q1, median.q3), votes, pool, rules) == found
