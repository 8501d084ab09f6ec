"""Owns whom to ask first: the configured order, unless another endpoint is clearly faster for some time. Pure.

A smoothed latency decides, and only a clear lead changes the favourite, so that two providers of the same speed do not
take turns; the first of the configured order is the favourite again as soon as it is nearly as fast.
"""

from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

SMOOTHING: Final = 0.3  # the weight of the newest sample
SAMPLES_MIN: Final = 4
# Another endpoint becomes the favourite when it needs less than half the time, and saves what a caller would notice.
CLEAR_RATIO: Final = 2.0
CLEAR_GAIN_S: Final = 0.05
# The first of the order returns when it is within a quarter of the favourite.
RETURN_RATIO: Final = 1.25


class Latencies(Generic[K]):
    """The smoothed latencies of a pool's endpoints, and the present favourite."""

    def __init__(self) -> None:
        self._smoothed_s: dict[K, float] = {}
        self._samples: dict[K, int] = {}
        self._favourite: K | None = None

    def add(self, one: K, seconds: float) -> None:
        """Another sample; all endpoints are sampled by the same call. A clock set back yields none."""
        if seconds < 0:
            return
        before_s = self._smoothed_s.get(one, seconds)
        self._smoothed_s[one] = before_s + SMOOTHING * (seconds - before_s)
        self._samples[one] = self._samples.get(one, 0) + 1

    def ordered(self, believed: Sequence[K]) -> list[K]:
        """The believed endpoints, the favourite first and the others as configured."""
        if len(believed) < 2:
            return list(believed)
        favourite = believed[0] if self._favourite is None or self._favourite not in believed else self._favourite
        fastest = min(believed, key=lambda one: self._smoothed_s.get(one, float("inf")))
        if self._clearly_faster(fastest, favourite):
            favourite = fastest
        elif self._as_fast(believed[0], favourite):
            favourite = believed[0]
        self._favourite = favourite
        return sorted(believed, key=lambda one: one != favourite)

    def _clearly_faster(self, one: K, other: K) -> bool:
        if min(self._samples.get(one, 0), self._samples.get(other, 0)) < SAMPLES_MIN:
            return False
        one_s, other_s = self._smoothed_s[one], self._smoothed_s[other]
        return other_s > CLEAR_RATIO * one_s and other_s - one_s > CLEAR_GAIN_S

    def _as_fast(self, first: K, favourite: K) -> bool:
        return self._smoothed_s.get(first, 0.0) <= RETURN_RATIO * self._smoothed_s.get(favourite, 0.0)
