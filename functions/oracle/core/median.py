"""Owns the weighted median of a feed and its quartiles, in exact integers.

1. Drop missing votes; sort the rest by value; W is the sum of their weights. No votes, or W = 0: nothing.
2. The median is the first value whose cumulative weight reaches ceil(W / 2). When that weight is W / 2 exactly (W
   even), it is the floor of the mean with the next value.
3. q1 is the first value from below whose cumulative weight is above floor(W / 4); q3 the first such value from above.

Equal values keep the order in which they were given, which is the signing policy's. That can matter only where a vote
of weight 0 meets the exact half; there the network's own programs do the same.

Capped delegation weights are in wei and go past 64 bits, so their sums are Python integers; weights that fit are summed
by numpy, with equal results.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from functions.oracle.core.feed_values import SLOT_OFFSET
from kernel.errors import Invalid

# A sort key holds the slot above the voter's position, so that equal values keep the voters' order.
_POSITION_BITS: Final = 16
_VOTERS_MAX: Final = 2**_POSITION_BITS
# Twice the total weight must still fit into a signed 64-bit number.
_NATIVE_WEIGHT_MAX: Final = 2**62 - 1
# Columns sorted at once; 4,096 feeds of 100 voters are 3 MB, which stays in the cache.
_COLUMNS_PER_CHUNK: Final = 4_096


class WeightsUnfit(Invalid):
    """Each vote has one weight, a non-negative integer."""

    cause = "A weight is negative, or there are more or fewer weights than votes."
    remedy = "Take the weights from the signing policy or the registry."


class Median(NamedTuple):
    """The outcome of one feed, in the feed's integer values; all None and 0 when nobody voted."""

    value: int | None
    q1: int | None
    q3: int | None
    participating_weight: int


NO_VOTES: Final = Median(None, None, None, 0)


def weighted_median(values: Sequence[int | None], weights: Sequence[int]) -> Median:
    """The median of one feed: a value (None = missing) and a weight per voter. Leaves its arguments alone.

    Raises WeightsUnfit.
    """
    _require_fit(len(values), weights)
    votes = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    votes.sort(key=_value_of)
    cumulative = list(accumulate(weight for _, weight in votes))
    if not cumulative or cumulative[-1] == 0:
        return NO_VOTES
    return _median([value for value, _ in votes], cumulative)


def weighted_medians(slots: npt.NDArray[np.uint32], weights: Sequence[int]) -> list[Median]:
    """The median of each column of raw slots (row = voter, column = feed, 0 = missing), one weight per voter.

    The columns may be the feeds of one round, or of many rounds side by side. Raises WeightsUnfit.
    """
    _require_fit(len(slots), weights)
    if len(slots) > _VOTERS_MAX:
        raise WeightsUnfit(voters=len(slots))
    if not weights:
        return [NO_VOTES] * slots.shape[1]

    fits = sum(weights) <= _NATIVE_WEIGHT_MAX
    medians: list[Median] = []
    for first in range(0, slots.shape[1], _COLUMNS_PER_CHUNK):
        ordered, positions = _sort_columns(slots[:, first : first + _COLUMNS_PER_CHUNK])
        medians.extend((_native_medians if fits else _wide_medians)(ordered, positions, weights))
    return medians


def _value_of(vote: tuple[int, int]) -> int:
    return vote[0]


def _require_fit(vote_count: int, weights: Sequence[int]) -> None:
    if vote_count != len(weights) or (vote_count and min(weights) < 0):
        raise WeightsUnfit(votes=vote_count, weights=len(weights))


def _median(values: Sequence[int], cumulative: Sequence[int]) -> Median:
    """Steps 2 and 3 over sorted values and their cumulative weights, the last of which is W > 0."""
    total = cumulative[-1]
    half, quarter = (total + 1) // 2, total // 4
    middle = bisect_left(cumulative, half)
    value = values[middle]
    if cumulative[middle] * 2 == total:
        value = (value + values[middle + 1]) // 2
    # From above, the weight of a value and all over it is W minus the cumulative weight before it.
    q1, q3 = bisect_left(cumulative, quarter + 1), bisect_left(cumulative, total - quarter)
    return Median(value, values[q1], values[q3], total)


def _sort_columns(slots: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each column as a sorted row of slots, beside the voters' positions in that order. Missing slots come first."""
    keys = np.ascontiguousarray(slots.T).astype(np.int64)
    keys <<= _POSITION_BITS
    keys |= np.arange(keys.shape[1], dtype=np.int64)
    keys.sort(axis=1)
    return keys >> _POSITION_BITS, keys & (_VOTERS_MAX - 1)


def _native_medians(
    ordered: npt.NDArray[np.int64], positions: npt.NDArray[np.int64], weights: Sequence[int]
) -> list[Median]:
    """The same over all columns at once, for weights whose sum fits: a first index is a count of smaller ones."""
    cast = np.where(ordered > 0, np.array(weights, dtype=np.int64)[positions], 0)
    cumulative = cast.cumsum(axis=1)
    total = cumulative[:, -1]
    quarter = total // 4
    rows, last = np.arange(len(total)), cumulative.shape[1] - 1
    middle = _first(cumulative, (total + 1) // 2)
    values = ordered[rows, middle]
    split = cumulative[rows, middle] * 2 == total
    values = np.where(split, (values + ordered[rows, np.minimum(middle + 1, last)]) >> 1, values)
    q1 = ordered[rows, _first(cumulative, quarter + 1)]
    q3 = ordered[rows, _first(cumulative, total - quarter)]
    return [
        Median(value - SLOT_OFFSET, low - SLOT_OFFSET, high - SLOT_OFFSET, weight) if weight else NO_VOTES
        for value, low, high, weight in zip(values.tolist(), q1.tolist(), q3.tolist(), total.tolist(), strict=True)
    ]


def _first(cumulative: npt.NDArray[np.int64], bound: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The first index in each row whose cumulative weight reaches the row's bound; 0 where W = 0."""
    index = np.count_nonzero(cumulative < bound[:, None], axis=1)
    return np.where(index < cumulative.shape[1], index, 0)


def _wide_medians(
    ordered: npt.NDArray[np.int64], positions: npt.NDArray[np.int64], weights: Sequence[int]
) -> list[Median]:
    """The same for weights of any size: numpy has sorted, Python adds up."""
    missing = np.count_nonzero(ordered == 0, axis=1).tolist()
    medians = []
    for row, order, first in zip((ordered - SLOT_OFFSET).tolist(), positions.tolist(), missing, strict=True):
        cumulative = list(accumulate([weights[position] for position in order[first:]]))
        voted = bool(cumulative) and cumulative[-1] > 0
        medians.append(_median(row[first:], cumulative) if voted else NO_VOTES)
    return medians
