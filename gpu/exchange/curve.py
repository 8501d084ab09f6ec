"""Owns what zksnake computes for us on BN254: multiples of a point, and sums of multiples of many.

Here points are pairs of coordinates, and None is infinity. zksnake panics over a point that is not on its curve, with
an exception that is no `Exception`, so that is asked before a point is given to it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from gpu.exchange.formats import BASE, G1, G2, KeyUnfit

#: So many points at a time, that progress can be told.
_BATCH: Final = 8_192
#: 3 / (9 + i), what the twist's curve y² = x³ + b adds.
_TWIST: Final = (
    19485874751759354771024239261021720505790618469301721065564631296452457478373,
    266929791119991161246907387137283842545076965332900288569378510910307636690,
)

Say = Callable[[str], None]
Factors = Sequence[int]


def silent(_: str) -> None:
    """Nobody is told."""


def curve() -> Any:
    """zksnake's BN254."""
    from zksnake.ecc import EllipticCurve

    return EllipticCurve("BN254")


def multiples_1(factors: Factors, say: Say = silent, what: str = "") -> list[G1 | None]:
    """Each factor times the generator of G1."""
    return _multiples(factors, curve().G1(), lambda point: (point.x, point.y), say, what)


def multiples_2(factors: Factors, say: Say = silent, what: str = "") -> list[G2 | None]:
    """Each factor times the generator of G2."""
    return _multiples(factors, curve().G2(), lambda point: ((*point.x,), (*point.y,)), say, what)


def require_on_curve(point: G1) -> None:
    """Raises KeyUnfit for a point that is not one of G1."""
    x, y = point
    if (y * y - x * x * x - 3) % BASE:
        raise KeyUnfit("a point is not on the curve")


def require_on_twist(point: G2) -> None:
    """Raises KeyUnfit for a point that is not on the curve that G2 lies on."""
    x, y = point
    left, cube = _product(y, y), _product(_product(x, x), x)
    if any((one - other - twist) % BASE for one, other, twist in zip(left, cube, _TWIST, strict=True)):
        raise KeyUnfit("a point is not on the twist of the curve")


def loaded(point: G1 | G2) -> Any:
    """A point that is on its curve, as zksnake has it; which takes an eighth of a millisecond."""
    return curve()(*point)


def total(points: Sequence[Any], factors: Factors) -> Any:
    """The sum of loaded points, each times its factor; there is at least one."""
    return curve().multiexp(list(points), list(factors))


def _multiples(factors: Factors, generator: Any, told: Callable[[Any], Any], say: Say, what: str) -> list[Any]:
    made: list[Any] = [None] * len(factors)
    finite = [place for place, factor in enumerate(factors) if factor]
    for first in range(0, len(finite), _BATCH):
        places = finite[first : first + _BATCH]
        points = curve().batch_mul(generator, [factors[place] for place in places])
        for place, point in zip(places, points, strict=True):
            made[place] = told(point)
        say(f"{what}: {first + len(places):,} of {len(finite):,} points")
    return made


def _product(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] * other[0] - one[1] * other[1], one[0] * other[1] + one[1] * other[0]
