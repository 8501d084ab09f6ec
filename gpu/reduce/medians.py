"""Owns the weighted medians and quartiles of many columns at once, over numpy or whatever has its interface.

For each column, W the sum of the weights of those who voted:

1. Sort the votes by value, equal values by the voters' order; C_i is the sum of the weights up to the i-th.
2. The median is the first value with 2 C_i >= W; where 2 C_i = W, the floor of its mean with the next value.
3. The first quartile is the first value with 4 C_i > W, the third the first with 4 C_i >= 3 W: read from above, the
   first whose weight and that of all over it is more than floor(W / 4).
4. Nobody voted, or W = 0: nothing.

A sort key holds the slot above the voter's position, so one sort of integers orders both. Weights in wei go past 64
bits: they are summed in two limbs of 50 bits, or in one where all of them fit, with equal results.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from gpu.reduce.form import SLOT, VOTERS_MAX, Slots, votes_of

_POSITION_BITS: Final = (VOTERS_MAX - 1).bit_length()
_LIMB_BITS: Final = 50
_LIMB: Final = (1 << _LIMB_BITS) - 1
#: Sums of weights below this fit into one limb with room for what is done to them.
_NARROW_MAX: Final = 2**60
#: 4,096 columns of 100 votes are 3 MB of sort keys, which stay in a processor's cache; a GPU takes as many as it holds.
CHUNK: Final = 4_096
GPU_CHUNK: Final = 262_144

#: Arrays of whatever library; most significant limb first.
Limbs = tuple[Any, ...]


def run(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], bytes]:
    """The function as it is offloaded (gpu.reduce.form says what goes in and out). Raises InputRefused."""
    return _run(arguments, content, np, CHUNK)


def run_on_gpu(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], bytes]:
    """The same by CuPy. Raises InputRefused."""
    import cupy

    return _run(arguments, content, cupy, GPU_CHUNK)


def weighted_medians(slots: Slots, weights: Sequence[int], xp: Any = np, chunk: int = CHUNK) -> Slots:
    """Medians, first and third quartiles (3 x columns) of columns x voters slots; 0 where nobody voted.

    xp: numpy, or a library with its interface.
    """
    limbs = [xp.asarray(limb) for limb in _limbs_of(weights)]
    found = np.empty((3, len(slots)), dtype=SLOT)
    for first in range(0, len(slots), chunk):
        part = _medians(xp, xp.asarray(slots[first : first + chunk]), limbs)
        found[:, first : first + chunk] = part if xp is np else xp.asnumpy(part)
    return found


def _run(arguments: Mapping[str, Any], content: bytes | None, xp: Any, chunk: int) -> tuple[dict[str, Any], bytes]:
    votes = votes_of(arguments, content)
    found = weighted_medians(votes.slots, votes.weights, xp, chunk)
    return {"columns": len(votes.slots), "voted": int(np.count_nonzero(found[0]))}, found.tobytes()


def _limbs_of(weights: Sequence[int]) -> list[Any]:
    if sum(weights) < _NARROW_MAX:
        return [np.array(weights, dtype=np.int64)]
    return [
        np.array([weight >> _LIMB_BITS for weight in weights], dtype=np.int64),
        np.array([weight & _LIMB for weight in weights], dtype=np.int64),
    ]


def _medians(xp: Any, slots: Any, weights: list[Any]) -> Any:
    keys = slots.astype(np.int64)
    keys <<= _POSITION_BITS
    keys |= xp.arange(keys.shape[1], dtype=np.int64)
    keys.sort(axis=1)
    ordered = keys >> _POSITION_BITS
    keys &= VOTERS_MAX - 1
    cumulative = _carried(tuple(xp.where(ordered > 0, limb[keys], 0).cumsum(axis=1) for limb in weights))
    total = tuple(limb[:, -1] for limb in cumulative)

    rows, last = xp.arange(len(ordered)), ordered.shape[1] - 1
    half = _bound(total, times=1, plus=1, shift=1)
    middle = _first(xp, cumulative, half)
    values = ordered[rows, middle]
    is_split = total[-1] & 1 == 0
    for limb, bound in zip(cumulative, half, strict=True):
        is_split &= limb[rows, middle] == bound
    split = (values + ordered[rows, xp.minimum(middle + 1, last)]) >> 1
    q1 = ordered[rows, _first(xp, cumulative, _bound(total, times=1, plus=4, shift=2))]
    q3 = ordered[rows, _first(xp, cumulative, _bound(total, times=3, plus=3, shift=2))]
    voted = sum(limb != 0 for limb in total) > 0
    return xp.where(voted, xp.stack([xp.where(is_split, split, values), q1, q3]), 0)


def _carried(limbs: Limbs) -> Limbs:
    """The same number with every limb but the first below 2^50."""
    if len(limbs) == 1:
        return limbs
    high, low = limbs
    return high + (low >> _LIMB_BITS), low & _LIMB


def _bound(total: Limbs, *, times: int, plus: int, shift: int) -> Limbs:
    """(total times + plus) >> shift."""
    if len(total) == 1:
        return ((total[0] * times + plus) >> shift,)
    high, low = _carried((total[0] * times, total[1] * times + plus))
    return high >> shift, ((high & ((1 << shift) - 1)) << _LIMB_BITS | low) >> shift


def _first(xp: Any, cumulative: Limbs, bound: Limbs) -> Any:
    """The first index in each row whose sum reaches the row's bound: so many are below it; the last where none does."""
    high, bound_high = cumulative[0], bound[0][:, None]
    below = high < bound_high
    if len(cumulative) == 2:
        below |= (high == bound_high) & (cumulative[1] < bound[1][:, None])
    return xp.minimum(xp.count_nonzero(below, axis=1), high.shape[1] - 1)
