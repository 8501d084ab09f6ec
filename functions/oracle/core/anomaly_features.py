"""Owns what a window says about each of its sources beside the others: twelve numbers a source, to judge it by.

A source is compared with the median of the others, so that no lie is part of its own yardstick. The window is looked at
at nine moments, 20 s apart, the last of them the decision's own; a price holds until the next one, and the first one
holds backwards. s is a source's distance from the others' median at a moment, as a share of it. The unit of distances
is what is usual in this window, the median over all sources and moments, FLOOR at least: in a calm market and in a wild
one the ordinary source looks the same.

deviation   |s| now
move        |s now - s at the first moment|: it went where the others did not
trend       move, as far as it went there straight: move x |s now - s first| / all steps of s
jump        the largest step of s from one moment to the next, in units of the usual step
push        deviation for want of volume: deviation x (1 - share)
share       its volume beside the others': 1/2 is as much, 0 none; 1/2 where volumes are not known
volatility  the way that its own price went beside the others': 1/2 is as much, near 1 much more, 0 none
frozen      for what share of the moments its price has stood still longer than the others'
left        how far the others have gone since it has stood still
age         how old its newest point is, in steps of 20 s
copied      how many times closer than usual it keeps to what one other said, at this moment or the last
echo        how much more often than usual its price is, to the last digit, what one other said

Distances are squeezed by x / (1 + x / 4), which keeps small differences and bounds large ones; `copied` likewise by 16.

Only +, -, x, / and comparisons of float64: medians are sorts, sums go from left to right, there is no logarithm, no
matrix product, nothing whose last bit depends on a processor. The same points give the same bits everywhere. Rounded to
float32, in which a forest is trained.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.oracle.core.points import Columns, Points
from functions.oracle.core.price import SOURCES_MIN, STALE_AFTER_S, WINDOW_S

#: Of the features: which they are, and how they are computed. Whoever changes either raises it.
FORM: Final = 1
FEATURES: Final = (
    "deviation",
    "move",
    "trend",
    "jump",
    "push",
    "share",
    "volatility",
    "frozen",
    "left",
    "age",
    "copied",
    "echo",
)
MOMENTS: Final = 9
#: No feature is above it.
CEILING: Final = 16.0
#: Each is compared with each.
SOURCES_MAX: Final = 64
#: A tenth of a basis point: what is nearer is the same.
FLOOR: Final = 1e-5
_STEP_US: Final = 20_000_000
_SQUEEZE: Final = 4.0
#: One moment earlier at the most: further back, calm markets repeat themselves.
_LAGS: Final = 2

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Portrait:
    """The sources of a window that can be judged, by name, ascending, and the features of each, one row a source."""

    sources: tuple[str, ...]
    features: Features


NOBODY: Final = Portrait(sources=(), features=np.empty((0, len(FEATURES)), dtype=np.float32))


def portray(points: Points, now_us: int) -> Portrait:
    """The features of every source that is not stale; NOBODY where fewer than 3 or more than 64 are left."""
    window = _fresh(points, now_us)
    if not SOURCES_MIN <= len(window.sources) <= SOURCES_MAX:
        return NOBODY
    # A price may be anything that is positive: what is past all bounds counts as at its bound.
    with np.errstate(all="ignore"):
        features = np.fmin(_features(window, now_us), CEILING)
    return Portrait(sources=window.sources, features=features.astype(np.float32))


def _features(window: Columns, now_us: int) -> Floats:
    """A row a source, in the order of FEATURES."""
    held = _held(window, now_us)
    around = _medians_of_others(held)
    apart = held / around - 1
    steps = np.abs(apart[:, 1:] - apart[:, :-1])
    usual, usual_step = _usual(np.abs(apart)), _usual(steps)
    deviation = np.abs(apart[:, -1]) / usual
    move = np.abs(apart[:, -1] - apart[:, 0])
    way = _added(steps)
    share = _share(window)
    ages = (now_us - window.times_us[window.ends]) / _STEP_US
    columns = (
        _squeezed(deviation),
        _squeezed(move / usual),
        _squeezed(move / usual) * move / np.where(way > 0, way, 1),
        _squeezed(steps.max(axis=1) / usual_step),
        _squeezed(deviation * (1 - share)),
        share,
        _volatility(held),
        *_frozen(held, around, usual),
        ages,
        *_copied(held),
    )
    return np.stack(columns, axis=1)


def _fresh(points: Points, now_us: int) -> Columns:
    """As price.py says: points of the window, of sources whose newest is young enough."""
    inside = (points.times_us >= now_us - WINDOW_S * 1_000_000) & (points.times_us <= now_us)
    window = points.take(np.flatnonzero(inside))
    young = window.times_us[window.ends] >= now_us - STALE_AFTER_S * 1_000_000
    return window.take(np.flatnonzero(np.repeat(young, window.counts)))


def _held(window: Columns, now_us: int) -> Floats:
    """The price that each source's newest point gave at each moment: a row a source, oldest moment first."""
    moments = now_us - _STEP_US * np.arange(MOMENTS - 1, -1, -1)
    rows = np.empty((len(window.sources), MOMENTS), dtype=np.intp)
    for row, (start, end) in enumerate(zip(window.starts, window.ends, strict=True)):
        known = window.times_us[start : end + 1].searchsorted(moments, side="right") - 1
        rows[row] = start + np.maximum(known, 0)
    return window.prices[rows]


def _medians_of_others(values: Floats) -> Floats:
    """For each row, the median of the other rows, column by column."""
    count = len(values)
    others = np.array([[row for row in range(count) if row != left_out] for left_out in range(count)])
    return _middle(np.sort(values[others], axis=1), axis=1)


def _usual(distances: Floats) -> float:
    """The median of distances, FLOOR at least."""
    return max(float(_middle(np.sort(distances.ravel()), axis=0)), FLOOR)


def _added(values: Floats) -> Floats:
    """The sum of each row, from left to right."""
    total = values[:, 0].copy()
    for column in range(1, values.shape[1]):
        total += values[:, column]
    return total


def _volatility(held: Floats) -> Floats:
    way = _added(np.abs(held[:, 1:] / held[:, :-1] - 1))
    usual = np.maximum(_medians_of_others(way[:, None])[:, 0], FLOOR)
    return way / (way + usual)


def _frozen(held: Floats, around: Floats, usual: float) -> tuple[Floats, Floats]:
    """How many moments longer than usual a price has stood still, and how far the others have gone meanwhile."""
    same = held == held[:, -1:]
    still = np.where(same.all(axis=1), MOMENTS - 1, np.argmin(same[:, ::-1], axis=1) - 1).astype(np.intp)
    others = _medians_of_others(still[:, None].astype(np.float64))[:, 0]
    first = around[np.arange(len(held)), MOMENTS - 1 - still]
    return np.maximum(still - others, 0) / (MOMENTS - 1), _squeezed(np.abs(around[:, -1] / first - 1) / usual)


def _copied(held: Floats) -> tuple[Floats, Floats]:
    """How many times closer than usual it keeps to another, and how much more often than usual it says the same."""
    count, itself = len(held), np.arange(len(held))
    nearest, echoes = np.full(count, np.inf), np.zeros(count)
    for lag in range(_LAGS):
        own, others = held[:, None, lag:], held[None, :, : MOMENTS - lag]
        apart = np.abs(own / others - 1)
        distance, same = _middle(np.sort(apart, axis=2), axis=2), (apart == 0).sum(axis=2) / (MOMENTS - lag)
        distance[itself, itself], same[itself, itself] = np.inf, 0
        nearest, echoes = np.minimum(nearest, distance.min(axis=1)), np.maximum(echoes, same.max(axis=1))
    grain = _grain(held)
    usual = _medians_of_others(nearest[:, None])[:, 0]
    closer = (usual + grain) / (nearest + grain)
    return closer / (1 + closer / CEILING), np.maximum(echoes - _medians_of_others(echoes[:, None])[:, 0], 0)


def _grain(held: Floats) -> float:
    """The smallest distance between two prices of the window, a tenth of FLOOR at least."""
    ranked = np.sort(held.ravel())
    gaps = (ranked[1:] - ranked[:-1]) / ranked[:-1]
    gaps = gaps[gaps > 1e-9]
    return max(float(gaps.min()) if len(gaps) else FLOOR, FLOOR / 10)


def _share(window: Columns) -> Floats:
    volumes = np.add.reduceat(window.volumes, window.starts)
    usual = _medians_of_others(volumes[:, None])[:, 0]
    total = volumes + usual
    return np.where(total > 0, volumes / np.where(total > 0, total, 1), 0.5)


def _squeezed(values: Floats) -> Floats:
    return values / (1 + values / _SQUEEZE)


def _middle(ranked: Floats, axis: int) -> Floats:
    """The mean of the middle two of values that ascend along an axis."""
    count = ranked.shape[axis]
    low, high = ranked.take((count - 1) // 2, axis=axis), ranked.take(count // 2, axis=axis)
    return np.asarray((low + high) * 0.5)
