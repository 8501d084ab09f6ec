"""Owns the check of medians that somebody else computed: by counting, without a sort, every column.

A value is the one asked for if and only if it is a vote and the weights below it and up to it lie on the two sides of
the bound. L(< v) and L(<= v) are the weights of the votes below v and up to v, W that of all:

    first quartile q    4 L(< q) <= W < 4 L(<= q)
    third quartile q    4 L(< q) < 3 W <= 4 L(<= q)
    median m            a, the greatest vote up to m, has 2 L(< a) < W <= 2 L(<= a). Where 2 L(<= a) > W, m is a.
                        Otherwise m is the floor of the mean of a and the next vote: the least one above a, unless a
                        vote of weight 0 for a itself comes last in the voters' order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gpu.reduce.form import Slots, medians_of, votes_of
from gpu.refusals import InputRefused

CHUNK: Final = 4_096
#: 4,096 voters' limbs of 40 bits add up to 52 bits, which floating point holds exactly: sums are matrix products.
_LIMB_BITS: Final = 40

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float64]
#: Python's integers, one a column.
Sums = npt.NDArray[np.object_]


def problem_of(
    arguments: Mapping[str, Any], content: bytes | None, result: Mapping[str, Any], output: bytes | None
) -> str | None:
    """What is wrong with a result of gpu.reduce.medians, or None."""
    try:
        votes = votes_of(arguments, content)
    except InputRefused as refusal:
        return f"nothing can come of this: {refusal}"
    claimed = medians_of(len(votes.slots), output)
    if claimed is None:
        return "the output is not three slots a column"
    if result != {"columns": len(votes.slots), "voted": int(np.count_nonzero(claimed[0]))}:
        return "the result does not fit the output"
    weights = _limbs_of(votes.weights)
    for first in range(0, len(votes.slots), CHUNK):
        right = _right(votes.slots[first : first + CHUNK], weights, claimed[:, first : first + CHUNK])
        if not right.all():
            return f"column {first + int(np.argmin(right))} is wrong"
    return None


def _right(slots: Slots, weights: Weights, claimed: Slots) -> Mask:
    """Which columns are right."""
    median, q1, q3 = (one[:, None] for one in claimed)
    total = _sum(slots > 0, weights)
    low_below, low_upto = _around(slots, q1, weights)
    high_below, high_upto = _around(slots, q3, weights)
    found = (slots == q1).any(axis=1) & (slots == q3).any(axis=1) & (claimed > 0).all(axis=0)
    found &= ((4 * low_below <= total) & (total < 4 * low_upto)).astype(np.bool_)
    found &= ((4 * high_below < 3 * total) & (3 * total <= 4 * high_upto)).astype(np.bool_)
    found &= _are_medians(slots, weights, total, median)
    right: Mask = np.where((total == 0).astype(np.bool_), (claimed == 0).all(axis=0), found)
    return right


def _are_medians(slots: Slots, weights: Weights, total: Sums, median: Slots) -> Mask:
    reached = np.where(slots <= median, slots, 0).max(axis=1)[:, None]
    below, upto = _around(slots, reached, weights)
    above = np.where(slots > reached, slots, np.iinfo(np.uint32).max).min(axis=1)
    last = slots.shape[1] - 1 - np.argmax((slots == reached)[:, ::-1], axis=1)
    level = reached[:, 0].astype(np.int64)
    split = (2 * upto == total).astype(np.bool_) & weights[last].any(axis=1)
    expected = np.where(split, (level + above.astype(np.int64)) // 2, level)
    placed = ((2 * below < total) & (total <= 2 * upto)).astype(np.bool_)
    right: Mask = placed & (expected == median[:, 0])
    return right


def _around(slots: Slots, level: Slots, weights: Weights) -> tuple[Sums, Sums]:
    """L(< level) and L(<= level) of each column."""
    voted = slots > 0
    return _sum(voted & (slots < level), weights), _sum(voted & (slots <= level), weights)


def _limbs_of(weights: Sequence[int]) -> Weights:
    """One row a voter, least significant limb first; as many limbs as the greatest weight needs."""
    count = max(1, -(-max(weights).bit_length() // _LIMB_BITS))
    mask = (1 << _LIMB_BITS) - 1
    return np.array([[weight >> _LIMB_BITS * i & mask for i in range(count)] for weight in weights], dtype=np.float64)


def _sum(mask: Mask, weights: Weights) -> Sums:
    """The weights under the mask, exactly."""
    limbs = (mask.astype(np.float64) @ weights).astype(np.int64).astype(object)
    places = [1 << _LIMB_BITS * place for place in range(limbs.shape[1])]
    total: Sums = limbs @ np.array(places, dtype=object)
    return total
