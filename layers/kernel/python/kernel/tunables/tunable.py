"""Owns what a tunable is: a named number with a default, bounds and a unit, declared where it is used."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from kernel.errors import Rejected

N = TypeVar("N", int, Decimal)
_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


class OutOfBounds(Rejected):
    """The value lies outside the bounds of the tunable."""

    cause = "A tunable takes only values between its declared minimum and maximum, and whole ones if it is a count."
    remedy = "Choose a value within the bounds in details; other bounds need a change of the code."
    example = '{"name": "oracle.spread_bps_max", "minimum": "1", "maximum": "500", "unit": "bps"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable(Generic[N]):
    """One threshold. Its type, int or Decimal, is that of its default.

    SPREAD = Tunable(name="oracle.spread_bps_max", default=50, minimum=1, maximum=500, unit="bps",
                     meaning="A venue whose spread is wider is left out.")
    """

    #: "<service>.<what>".
    name: str
    default: N
    minimum: N
    maximum: N
    unit: str
    meaning: str

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself: ValueError."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a tunable is named <service>.<what> in small letters, not {self.name!r}")
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError(f"{self.name}: the default {self.default} lies outside {self.minimum} to {self.maximum}")

    def accept(self, value: int | Decimal) -> N:
        """The value in the tunable's own type. Raises OutOfBounds."""
        exact = Decimal(value)
        if not exact.is_finite() or not self.minimum <= exact <= self.maximum:
            raise self._refusal(value)
        if isinstance(self.default, int) and exact != exact.to_integral_value():
            raise self._refusal(value)
        return type(self.default)(exact)

    def within(self, stored: Decimal) -> N:
        """A stored value, moved to the nearest bound if the code's bounds were narrowed since it was set."""
        return type(self.default)(min(max(stored, Decimal(self.minimum)), Decimal(self.maximum)))

    def _refusal(self, value: int | Decimal) -> OutOfBounds:
        return OutOfBounds(
            name=self.name,
            value=str(value),
            minimum=str(self.minimum),
            maximum=str(self.maximum),
            unit=self.unit,
        )
