"""Owns how near to the medians of a round a provider's values came.

Every feed of a round is possible to hit; a value within 0.5 % of the median is a hit (`minimal_conditions.py`). The
deviation of a vote is its distance from the median in ppm of the median, rounded towards it; where the median is 0
any other value is off by all of it, a whole.
"""

from collections.abc import Sequence
from typing import NamedTuple

from functions.oracle.core.minimal_conditions import is_close
from kernel.amounts import ONE_PPM


class Accuracy(NamedTuple):
    """Of one provider in one round, or added up over several. deviation_ppm: the sum over `votes`."""

    hits: int
    possible: int
    votes: int
    deviation_ppm: int


def deviation_ppm(value: int, median: int) -> int:
    """Signed: above 0 where the value is above the median."""
    distance = abs(value - median)
    ppm = distance * ONE_PPM // abs(median) if median else ONE_PPM * bool(distance)
    return ppm if value >= median else -ppm


def deviations(values: Sequence[int | None], medians: Sequence[int | None]) -> tuple[int | None, ...]:
    """Of each feed, None without a vote or a median; both in feed order. A vector that was cut lacks its last votes."""
    cast = [*values, *[None] * (len(medians) - len(values))]
    return tuple(
        None if value is None or median is None else deviation_ppm(value, median)
        for value, median in zip(cast, medians, strict=True)
    )


def accuracy(values: Sequence[int | None], medians: Sequence[int | None]) -> Accuracy:
    """Of a provider that revealed these values; none at all where it revealed nothing valid."""
    votes = [
        (value, median)
        for value, median in zip(values, medians, strict=False)
        if value is not None and median is not None
    ]
    return Accuracy(
        hits=sum(is_close(value, median) for value, median in votes),
        possible=len(medians),
        votes=len(votes),
        deviation_ppm=sum(abs(deviation_ppm(value, median)) for value, median in votes),
    )
