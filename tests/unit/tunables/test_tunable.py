"""What a tunable accepts."""

from decimal import Decimal

import pytest

from kernel.tunables import OutOfBounds, Tunable

pytestmark = pytest.mark.unit

SPREAD = Tunable(name="oracle.spread_bps_max", default=50, minimum=1, maximum=500, unit="bps", meaning="Wide is out.")
WEIGHT = Tunable(
    name="oracle.weight",
    default=Decimal("0.5"),
    minimum=Decimal(0),
    maximum=Decimal(1),
    unit="share",
    meaning="Of the newest.",
)


@pytest.mark.parametrize("value", [1, 50, 500, Decimal("7.0")])
def test_values_within_the_bounds_are_accepted(value: int | Decimal) -> None:
    """Both bounds included; the result has the declared type."""
    accepted = SPREAD.accept(value)

    assert accepted == value
    assert isinstance(accepted, int)


@pytest.mark.parametrize("value", [0, 501, -1, Decimal("7.5"), Decimal("NaN"), Decimal("Infinity")])
def test_other_values_are_refused(value: int | Decimal) -> None:
    """With the bounds and the unit in the error; a count takes no fraction."""
    with pytest.raises(OutOfBounds) as caught:
        SPREAD.accept(value)

    assert caught.value.details["maximum"] == "500"
    assert caught.value.details["unit"] == "bps"


def test_fractions_are_exact() -> None:
    """A decimal tunable keeps every digit."""
    assert WEIGHT.accept(Decimal("0.333333333333333333")) == Decimal("0.333333333333333333")


def test_narrowed_bounds_hold_for_stored_values() -> None:
    """What was set under wider bounds counts as the nearest bound."""
    assert [SPREAD.within(Decimal(stored)) for stored in (0, 7, 900)] == [1, 7, 500]


@pytest.mark.parametrize(
    ("name", "default", "words"),
    [("Spread", 5, "is named"), ("oracle.spread", 0, "outside"), ("oracle.spread", 11, "outside")],
)
def test_a_declaration_that_contradicts_itself_is_refused(name: str, default: int, words: str) -> None:
    """At import, not when somebody reads it."""
    with pytest.raises(ValueError, match=words):
        Tunable(name=name, default=default, minimum=1, maximum=10, unit="bps", meaning="")
