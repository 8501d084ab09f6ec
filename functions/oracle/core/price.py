"""Owns a feed's price: what the points of a window say together.

1. Window: points in [t - 180 s, t]. A source whose newest point is older than 60 s is stale and left out.
2. Outliers: m is the median of the prices, MAD the median of |p - m| (both the mean of the middle two). A point is out
   when |0.6745 (p - m) / MAD| > 3.5; when MAD = 0, when |p - m| / m > 0.5 %.
3. VWAP: sum of price * volume over sum of volume; None when no volume was traded.
4. TWAP: a source's price holds until its next point or t, from its first point on; the mean over sources is weighted by
   the time covered. None when every point is exactly at t, which covers no time.
5. Weighted median: weight = volume * the source's reputation; a point without volume takes the median volume of the
   rest, or 1; the first price whose cumulative weight reaches half of the total. When no weight is left at all, each
   volume counts as 1. Weights are added in whole units of 2**-52 of their total or less, which is exact.
6. Consensus: the same rule over the sources' own VWAPs (else their last price), weighted by reputation.
7. Confidence: 1.96 * 1.4826 * MAD of the sources' prices / sqrt(number of sources), a half-width in the price's unit.
   With fewer than 3 sources the aggregate is flagged.

All in float64 over columns in a fixed order (see points.py): sums within a source are numpy's pairwise ones, those over
sources are exactly rounded (fsum), no BLAS and no builtin sum, whose results depend on the processor or on Python's
version. A stored decision replays bit for bit.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from math import frexp, fsum, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.oracle.core.points import Columns, Moment, Number, Point, Points, microseconds
from functions.oracle.core.reputation import INITIAL

WINDOW_S: Final = 180
STALE_AFTER_S: Final = 60
SOURCES_MIN: Final = 3

_WINDOW_US: Final = WINDOW_S * 1_000_000
_STALE_AFTER_US: Final = STALE_AFTER_S * 1_000_000
_MODIFIED_Z: Final = 0.6745
_MODIFIED_Z_MAX: Final = 3.5
_FLAT_DEVIATION_MAX: Final = 0.005
_EXACT_BITS: Final = 52
_CONFIDENCE_95: Final = 1.96 * 1.4826

Floats = npt.NDArray[np.float64]
_NOBODY: Final[Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a window says. Prices are float64 in the quote; None where there is nothing to say."""

    vwap: float | None = None
    twap: float | None = None
    weighted_median: float | None = None
    consensus: float | None = None
    #: Half-width of a 95 % interval around the consensus.
    confidence: float | None = None
    #: Positions of the outliers in the points that were given, ascending.
    outliers: tuple[int, ...] = ()
    #: What each source that took part says, by name.
    source_prices: Mapping[str, float]
    #: Sources with points in the window, the newest of which is too old.
    stale_sources: tuple[str, ...] = ()

    @property
    def flagged(self) -> bool:
        """Whether too few sources took part for the confidence to mean much."""
        return len(self.source_prices) < SOURCES_MIN


def aggregate(
    points: Points | Iterable[Point | tuple[Number, Number | None, Moment, str]],
    at: Moment,
    *,
    reputation: Mapping[str, float] = _NOBODY,
) -> Aggregate:
    """The aggregate of the points at a moment (aware datetime, or Unix seconds).

    `reputation` is each source's weight in (0, 1]; who is not in it counts as new. Raises PointUnfit.
    """
    given = points if isinstance(points, Points) else Points.of(points)
    now_us = microseconds(at)
    fresh, stale_sources = _fresh(given, now_us)
    if not len(fresh):
        return Aggregate(source_prices={}, stale_sources=stale_sources)

    # Not a stable sort, which takes ten times as long: no sum depends on the order of equal prices.
    order = fresh.prices.argsort()
    first, last = _inlier_range(fresh.prices[order])
    if last - first == len(fresh):
        decided = _decide(fresh, order, now_us, reputation)
        return replace(decided, stale_sources=stale_sources) if stale_sources else decided

    inliers = order[first:last]
    rows = np.sort(inliers)
    places = np.empty_like(order)
    places[rows] = np.arange(len(rows))
    decided = _decide(fresh.take(rows), places[inliers], now_us, reputation)
    outliers = sorted(fresh.origins[np.delete(order, slice(first, last))].tolist())
    return replace(decided, outliers=tuple(outliers), stale_sources=stale_sources)


def aggregate_many(
    windows: Iterable[Points], at: Moment, *, reputation: Mapping[str, float] = _NOBODY
) -> list[Aggregate]:
    """The aggregates of many feeds' windows at one moment, each equal to what `aggregate` gives."""
    return [aggregate(window, at, reputation=reputation) for window in windows]


def round_price(price: float, decimals: int) -> Decimal:
    """A price with a feed's decimals, half away from zero, from the float's exact value."""
    return Decimal(price).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _fresh(points: Points, now_us: int) -> tuple[Columns, tuple[str, ...]]:
    """Step 1: the points that count, and the sources that are stale."""
    earliest_us, stale_before_us = now_us - _WINDOW_US, now_us - _STALE_AFTER_US
    if points.oldest_us >= earliest_us and points.newest_us <= now_us and points.stalest_us >= stale_before_us:
        return points, ()

    window = points.take(np.flatnonzero((points.times_us >= earliest_us) & (points.times_us <= now_us)))
    is_fresh = window.times_us[window.ends] >= stale_before_us
    stale_sources = tuple(name for name, fresh in zip(window.sources, is_fresh, strict=True) if not fresh)
    return window.take(np.flatnonzero(np.repeat(is_fresh, window.counts))), stale_sources


def _inlier_range(ranked: Floats) -> tuple[int, int]:
    """Step 2 over ascending prices: outliers lie at the ends, so what stays is a range [first, last)."""
    count, middle = len(ranked), _middle(ranked)
    spread = _median(np.abs(ranked - middle))

    def stays(row: int) -> bool:
        distance = abs(float(ranked[row]) - middle)
        if spread > 0:
            return _MODIFIED_Z * distance / spread <= _MODIFIED_Z_MAX
        return distance / middle <= _FLAT_DEVIATION_MAX

    if stays(0) and stays(count - 1):
        return 0, count
    # The middle stays, and a price further from it than an outlier is an outlier too: search outwards from both ends.
    half = count // 2
    first = bisect_left(range(half), True, key=stays)
    last = count - bisect_left(range(count - half), True, key=lambda row: stays(count - 1 - row))
    return first, last


def _decide(points: Columns, order: npt.NDArray[np.intp], now_us: int, reputation: Mapping[str, float]) -> Aggregate:
    """Steps 3 to 7 over what is left. `order` is the rows by ascending price."""
    traded = np.add.reduceat(points.prices * points.volumes, points.starts).tolist()
    volumes = np.add.reduceat(points.volumes, points.starts).tolist()
    lasts = points.prices[points.ends].tolist()
    own = [money / volume if volume > 0 else price for money, volume, price in zip(traded, volumes, lasts, strict=True)]
    trust = [reputation.get(source, INITIAL) for source in points.sources]
    volume = fsum(volumes)
    return Aggregate(
        vwap=fsum(traded) / volume if volume > 0 else None,
        twap=_twap(points, now_us),
        weighted_median=_weighted_median(points, order, trust if reputation else None),
        consensus=_consensus(own, trust),
        confidence=_CONFIDENCE_95 * _spread(own) / sqrt(len(own)),
        source_prices=dict(zip(points.sources, own, strict=True)),
    )


def _twap(points: Columns, now_us: int) -> float | None:
    """Step 4."""
    held = np.empty(len(points))
    np.subtract(points.times_us[1:], points.times_us[:-1], out=held[:-1])
    held[points.ends] = now_us - points.times_us[points.ends]
    covered_us = fsum(np.add.reduceat(held, points.starts).tolist())
    held *= points.prices
    return fsum(np.add.reduceat(held, points.starts).tolist()) / covered_us if covered_us else None


def _weighted_median(points: Columns, order: npt.NDArray[np.intp], trust: Sequence[float] | None) -> float:
    """Step 5; `trust` is None while all sources count the same."""
    volumes = points.volumes
    if not points.has_volume.all():
        known = volumes[points.has_volume]
        volumes = np.where(points.has_volume, volumes, _median(known) if len(known) else 1.0)
    reputation = None if trust is None else np.repeat(trust, points.counts)
    cumulative = _in_exact_units(volumes if reputation is None else volumes * reputation)[order].cumsum()
    if cumulative[-1] == 0:
        cumulative = _in_exact_units(np.ones(len(points)) if reputation is None else reputation)[order].cumsum()
    return float(points.prices[order[cumulative.searchsorted(cumulative[-1] * 0.5)]])


def _in_exact_units(weights: Floats) -> Floats:
    """Weights as whole numbers with a total below 2**53, so that their sums are exact in any order.

    The unit is a power of two, so only bits beyond the 52nd of the total are rounded away.
    """
    _, exponent = frexp(float(weights.max()) * len(weights))
    return np.rint(np.ldexp(weights, _EXACT_BITS - exponent))


def _consensus(own: Sequence[float], trust: Sequence[float]) -> float:
    """Step 6."""
    ballots = sorted(zip(own, trust, strict=True))
    cumulative = list(accumulate(weight for _, weight in ballots))
    return ballots[bisect_left(cumulative, cumulative[-1] * 0.5)][0]


def _spread(own: Sequence[float]) -> float:
    """The median distance of the sources' prices from their median."""
    middle = _middle(sorted(own))
    return float(_middle(sorted(abs(price - middle) for price in own)))


def _median(values: Floats) -> float:
    """The mean of the middle two. Sorts `values`, which numpy does faster than it partitions them."""
    values.sort()
    return _middle(values)


def _middle(ranked: Floats | Sequence[float]) -> float:
    """The mean of the middle two of ascending values."""
    return float((ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) * 0.5)
