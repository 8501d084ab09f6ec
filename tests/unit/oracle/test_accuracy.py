"""How near a provider's values came to the medians."""

import pytest

from functions.oracle.core.accuracy import Accuracy, accuracy, deviation_ppm, deviations

pytestmark = pytest.mark.unit


def test_a_deviation_is_signed_and_rounded_towards_the_median() -> None:
    """In ppm of the median's size, whatever its sign."""
    assert [3_333, -3_333, 0] == [deviation_ppm(value, 300) for value in (301, 299, 300)]
    assert [3_333, -3_333] == [deviation_ppm(value, -300) for value in (-299, -301)]


def test_around_a_median_of_zero_everything_else_is_off_by_a_whole() -> None:
    """Nothing is a share of nothing."""
    assert [-1_000_000, 0, 1_000_000] == [deviation_ppm(value, 0) for value in (-5, 0, 5)]


def test_each_feed_is_possible_and_each_vote_is_compared() -> None:
    """A hit, a miss, a missing value, a feed without a median, and one beyond the end of the vector."""
    medians = [1_000, 1_000, 1_000, None, 1_000]

    assert Accuracy(hits=1, possible=5, votes=2, deviation_ppm=17_000) == accuracy([1_005, 988, None, 7], medians)
    assert (5_000, -12_000, None, None, None) == deviations([1_005, 988, None, 7], medians)


def test_who_revealed_nothing_has_hit_nothing() -> None:
    """And could have hit all."""
    assert Accuracy(hits=0, possible=2, votes=0, deviation_ppm=0) == accuracy((), [1_000, None])
