"""The weighted median."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.ftso.median import FtsoVote, calculate_median

from functions.oracle.core.median import Median, WeightsUnfit, weighted_median, weighted_medians
from tests.unit.oracle import slow_reference
from tests.unit.oracle.facts import protocol

pytestmark = pytest.mark.unit

INT32_MAX = 2**31 - 1
VALUES = st.integers(-INT32_MAX, INT32_MAX)
CLOSE_VALUES = st.integers(-4, 4)
SMALL_WEIGHTS, WEI = st.integers(0, 5), st.integers(0, 10**28)
NOTHING = Median(None, None, None, 0)


def ballots(weights: st.SearchStrategy[int], *, least: int = 0) -> st.SearchStrategy[list[tuple[int | None, int]]]:
    """Votes of up to 40 voters, close together or far apart, some missing."""
    votes = st.tuples(st.none() | CLOSE_VALUES | VALUES, weights.map(lambda weight: max(weight, least)))
    return st.lists(votes, max_size=40)


def median_of(votes: Sequence[tuple[int | None, int]]) -> Median:
    return weighted_median([value for value, _ in votes], [weight for _, weight in votes])


@pytest.mark.parametrize("case", protocol()["weighted_median"], ids=lambda case: f"{case['src']}-{case['median']}")
def test_published_medians(case: dict[str, Any]) -> None:
    """As Flare's own programs are tested, with the votes in any order."""
    votes = [tuple(vote) for vote in case["votes"]]
    random.Random(7).shuffle(votes)
    median = median_of(votes)

    assert case["median"] == median.value
    assert case.get("q1", median.q1) == median.q1
    assert case.get("q3", median.q3) == median.q3
    assert case.get("participating", sum(weight for _, weight in votes)) == median.participating_weight


def test_no_votes_have_no_median() -> None:
    """Nobody, or only missing values."""
    assert NOTHING == weighted_median([], [])
    assert NOTHING == weighted_median([None, None], [5, 6])


def test_votes_without_weight_have_no_median() -> None:
    """W = 0."""
    assert NOTHING == weighted_median([1, 2], [0, 0])
    assert NOTHING == weighted_median([1, None], [0, 9])


def test_a_single_vote_is_everything() -> None:
    """Median and both quartiles."""
    assert Median(-7, -7, -7, 1) == weighted_median([None, -7], [9, 1])


def test_an_exact_half_is_the_floor_of_the_mean_with_the_next_value() -> None:
    """(1 + 4) // 2 = 2, and below zero (-4 + -1) // 2 = -3."""
    assert 2 == weighted_median([4, 1], [3, 3]).value
    assert -3 == weighted_median([-1, -4], [3, 3]).value


def test_an_odd_total_has_no_mean() -> None:
    """W = 5: the cumulative weight 3 is ceil(5 / 2), and still no half."""
    assert 1 == weighted_median([1, 4], [3, 2]).value
    assert 4 == weighted_median([1, 4], [2, 3]).value


def test_the_next_value_counts_even_without_weight() -> None:
    """A voter without weight may stand next to the middle: (5 + 6) // 2."""
    assert 5 == weighted_median([5, 6, 7], [10, 0, 10]).value
    assert 6 == weighted_median([5, 8, 9], [10, 0, 10]).value


def test_quartile_bounds_are_strict() -> None:
    """W = 8: a cumulative weight of exactly 2 is not above floor(8 / 4)."""
    assert Median(2, 2, 3, 8) == weighted_median([1, 2, 3, 4], [2, 3, 1, 2])._replace(value=2)
    assert (1, 4) == weighted_median([1, 2, 3, 4], [3, 1, 1, 3])[1:3]


def test_the_quarter_is_rounded_down() -> None:
    """W = 7: floor(7 / 4) = 1, and 2 is above it."""
    assert (1, 4) == weighted_median([1, 2, 3, 4], [2, 2, 1, 2])[1:3]


def test_extreme_values_do_not_overflow() -> None:
    """The mean of the two outermost values of 32 bits."""
    assert Median(0, -INT32_MAX, INT32_MAX, 2) == weighted_median([INT32_MAX, -INT32_MAX], [1, 1])
    assert INT32_MAX == weighted_median([INT32_MAX, INT32_MAX], [1, 1]).value
    assert 10**30 == weighted_median([10**30], [10**40]).value


def test_the_arguments_stay_as_they_are() -> None:
    """Neither sorted nor cut."""
    values, weights = [3, None, 1], [1, 2, 3]

    weighted_median(values, weights)

    assert ([3, None, 1], [1, 2, 3]) == (values, weights)


@pytest.mark.parametrize(("values", "weights"), [([1], []), ([1], [1, 2]), ([1, 2], [1, -1])])
def test_unfit_weights_are_refused(values: list[int | None], weights: list[int]) -> None:
    """Too few, too many, negative."""
    with pytest.raises(WeightsUnfit):
        weighted_median(values, weights)
    with pytest.raises(WeightsUnfit):
        weighted_medians(np.ones((len(values), 1), dtype=np.uint32), weights)


@given(ballots(SMALL_WEIGHTS) | ballots(WEI))
def test_every_median_is_the_slow_references(votes: list[tuple[int | None, int]]) -> None:
    """Small weights meet exact halves, weights in wei pass 64 bits."""
    assert slow_reference.median(votes) == median_of(votes)


@given(ballots(SMALL_WEIGHTS, least=1) | ballots(WEI, least=1))
def test_every_median_agrees_with_flares_own_python(votes: list[tuple[int | None, int]]) -> None:
    """Where it takes part: with votes that have weight."""
    theirs = calculate_median([FtsoVote(value, weight) for value, weight in votes if value is not None])
    median = median_of(votes)

    assert (theirs is None) == (median.value is None)
    assert theirs is None or median[:3] == (theirs.value, theirs.first_quartile, theirs.third_quartile)


@given(ballots(SMALL_WEIGHTS, least=1), st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(votes: list[tuple[int | None, int]], source: random.Random) -> None:
    """Any permutation of votes that have weight has the same median."""
    shuffled = list(votes)
    source.shuffle(shuffled)

    assert median_of(votes) == median_of(shuffled)


def test_equal_values_keep_the_voters_order() -> None:
    """It matters only where a vote without weight meets the exact half: first come 5 (0), 5 (10), or the reverse."""
    assert 6 == weighted_median([5, 5, 7], [0, 10, 10]).value
    assert 5 == weighted_median([5, 5, 7], [10, 0, 10]).value


@given(ballots(SMALL_WEIGHTS), st.integers(1, 10**20))
def test_scaling_all_weights_changes_no_median(votes: list[tuple[int | None, int]], factor: int) -> None:
    """By a multiple of 4, which keeps every rounding of the quarters."""
    once = median_of([(value, weight * 4) for value, weight in votes])
    scaled = median_of([(value, weight * 4 * factor) for value, weight in votes])

    assert once[:3] == scaled[:3]
    assert once.participating_weight * factor == scaled.participating_weight


@given(ballots(SMALL_WEIGHTS, least=1).filter(lambda votes: any(value is not None for value, _ in votes)))
def test_the_median_lies_between_the_quartiles(votes: list[tuple[int | None, int]]) -> None:
    """And the quartiles are values that somebody voted for."""
    median = median_of(votes)

    assert median.q1 is not None and median.value is not None and median.q3 is not None
    assert median.q1 <= median.value <= median.q3
    assert {median.q1, median.q3} <= {value for value, _ in votes}


@st.composite
def matrices(draw: st.DrawFn, weights: st.SearchStrategy[int]) -> tuple[list[list[int | None]], list[int]]:
    """Votes of some voters for some feeds."""
    voters, feeds = draw(st.integers(0, 12)), draw(st.integers(1, 5))
    row = st.lists(st.none() | CLOSE_VALUES | VALUES, min_size=feeds, max_size=feeds)
    return draw(st.lists(row, min_size=voters, max_size=voters)), draw(
        st.lists(weights, min_size=voters, max_size=voters)
    )


def slots_of(rows: list[list[int | None]], feed_count: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    slots = [[0 if value is None else value + 2**31 for value in row] for row in rows]
    return np.array(slots, dtype=np.uint32).reshape(len(rows), feed_count)


@given(matrices(SMALL_WEIGHTS) | matrices(WEI) | matrices(st.integers(2**58, 2**62)))
def test_all_feeds_at_once_have_the_medians_of_each(drawn: tuple[list[list[int | None]], list[int]]) -> None:
    """In native integers, past 64 bits, and about the border between the two."""
    rows, weights = drawn
    feed_count = len(rows[0]) if rows else 1

    assert [weighted_median([row[feed] for row in rows], weights) for feed in range(feed_count)] == weighted_medians(
        slots_of(rows, feed_count), weights
    )


@pytest.mark.parametrize("weight", [2**60, 2**61 - 1, 2**61, 2**62, 2**63, 2**64])
def test_weights_about_64_bits_are_added_exactly(weight: int) -> None:
    """Two voters of equal weight: exactly half, on both sides of the border to wide integers."""
    slots = slots_of([[7], [10]], 1)

    assert [Median(8, 7, 10, 2 * weight)] == weighted_medians(slots, [weight, weight])


def test_many_rounds_side_by_side_have_the_medians_of_each() -> None:
    """More columns than are sorted at once."""
    source = np.random.default_rng(20)
    slots = source.integers(2**31 - 50, 2**31 + 50, size=(7, 9_000), dtype=np.uint32)
    slots[source.random(slots.shape) < 0.1] = 0
    weights = [5, 0, 7, 7, 1, 2, 3]

    medians = weighted_medians(slots, weights)

    assert 9_000 == len(medians)
    assert all(
        medians[column] == weighted_median([int(slot) - 2**31 if slot else None for slot in slots[:, column]], weights)
        for column in range(0, 9_000, 7)
    )


def test_no_voters_have_no_medians() -> None:
    """An empty matrix has a result for each feed all the same."""
    assert [NOTHING, NOTHING] == weighted_medians(np.zeros((0, 2), dtype=np.uint32), [])


def test_more_voters_than_positions_are_refused() -> None:
    """65,536 fit into a sort key."""
    with pytest.raises(WeightsUnfit):
        weighted_medians(np.zeros((2**16 + 1, 1), dtype=np.uint32), [0] * (2**16 + 1))
