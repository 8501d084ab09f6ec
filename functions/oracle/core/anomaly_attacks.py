"""Owns seeded attacks on a window: what a model of anomalies is judged with, because nobody labels the real ones.

u is how far sources usually are from each other in this window: the median distance of their newest prices from the
median of these, at least a basis point. A lie that is no larger is none.

spike      the last one to three prices jump by 8 to 40 u
drift      for the last 80 to 160 s the price leaves, evenly, by 6 to 25 u
freeze     for the last two minutes or more the price stands still, with fresh times
copy_cat   every price is what one other source had said up to 20 s before
thin_push  with a hundredth of its volume or less the price is 5 to 15 u off for the last minute

An attack changes one source and leaves times and everybody else as they were. Points come and go as the oracle has them
(see points.py); the same seed does the same to the same window.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random
from statistics import median
from typing import Final

from functions.oracle.core.points import Point, microseconds

_USUAL_MIN: Final = 1e-4
_S: Final = 1_000_000


class Attack(StrEnum):
    """What is done to a source."""

    SPIKE = "spike"
    DRIFT = "drift"
    FREEZE = "freeze"
    COPY_CAT = "copy_cat"
    THIN_PUSH = "thin_push"


def attacked(points: Sequence[Point], source: str, attack: Attack, *, now_us: int, seed: int) -> list[Point]:
    """The window after the attack on a source that has points in it. Prices of that source become floats."""
    dice = Random(f"{attack}:{seed}")
    own = sorted((point for point in points if point.source == source), key=lambda point: microseconds(point.time))
    rest = [point for point in points if point.source != source]
    return [*rest, *_ATTACKS[attack](own, rest, now_us, dice)]


def _spike(own: list[Point], rest: list[Point], _now_us: int, dice: Random) -> list[Point]:
    count, by = dice.randint(1, 3), _signed(dice, 8, 40) * _usual(rest)
    return [*own[:-count], *(_times(point, 1 + by) for point in own[-count:])]


def _drift(own: list[Point], rest: list[Point], now_us: int, dice: Random) -> list[Point]:
    by, length_us = _signed(dice, 6, 25) * _usual(rest), dice.randint(80, 160) * _S

    def part(point: Point) -> float:
        return max(0.0, 1 - (now_us - microseconds(point.time)) / length_us)

    return [_times(point, 1 + by * part(point)) for point in own]


def _freeze(own: list[Point], _rest: list[Point], now_us: int, dice: Random) -> list[Point]:
    since_us = now_us - dice.randint(120, 180) * _S
    first = next((point for point in own if microseconds(point.time) >= since_us), own[-1])
    return [point._replace(price=first.price) if microseconds(point.time) >= since_us else point for point in own]


def _copy_cat(own: list[Point], rest: list[Point], _now_us: int, dice: Random) -> list[Point]:
    victim = dice.choice(sorted({point.source for point in rest}))
    said = sorted((microseconds(point.time), float(point.price)) for point in rest if point.source == victim)
    times_us, late_us = [time_us for time_us, _ in said], dice.randint(0, 20) * _S

    def heard(point: Point) -> float:
        return said[max(0, bisect_right(times_us, microseconds(point.time) - late_us) - 1)][1]

    return [point._replace(price=heard(point)) for point in own]


def _thin_push(own: list[Point], rest: list[Point], now_us: int, dice: Random) -> list[Point]:
    by, thin, since_us = _signed(dice, 5, 15) * _usual(rest), dice.uniform(0.001, 0.01), now_us - 60 * _S

    def pushed(point: Point) -> Point:
        volume = None if point.volume is None else float(point.volume) * thin
        return (_times(point, 1 + by) if microseconds(point.time) >= since_us else point)._replace(volume=volume)

    return [pushed(point) for point in own]


def _times(point: Point, factor: float) -> Point:
    return point._replace(price=float(point.price) * factor)


def _signed(dice: Random, least: int, most: int) -> float:
    return dice.choice((-1, 1)) * dice.uniform(least, most)


def _usual(rest: list[Point]) -> float:
    """u, as a share of the price, among those who are not attacked."""
    newest = {point.source: float(point.price) for point in sorted(rest, key=lambda one: microseconds(one.time))}
    middle = median(newest.values())
    return max(median(abs(price / middle - 1) for price in newest.values()), _USUAL_MIN)


_ATTACKS: Final[dict[Attack, Callable[[list[Point], list[Point], int, Random], list[Point]]]] = {
    Attack.SPIKE: _spike,
    Attack.DRIFT: _drift,
    Attack.FREEZE: _freeze,
    Attack.COPY_CAT: _copy_cat,
    Attack.THIN_PUSH: _thin_push,
}
