"""Arithmetic of money: strict reading, exact units, and the direction of every rounding."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.amounts import (
    InvalidAmount,
    bps,
    bps_ceil,
    format_units,
    mul_div_ceil,
    mul_div_floor,
    parse_integer,
    parse_units,
)

pytestmark = pytest.mark.unit

AMOUNTS = st.integers(-(2**255), 2**255 - 1)
DECIMALS = st.integers(0, 36)
POSITIVE = st.integers(1, 2**128)

UNREADABLE = [
    "", " ", "+1", " 1", "1 ", "1\n", "01", "-0", "--1", "1_000", "1,000", "0x10", "1e3", "１", "٣", "NaN", "Infinity",
    "-", "9" * 81,
]  # fmt: skip


@given(AMOUNTS)
def test_integers_survive_their_text(amount: int) -> None:
    """What str writes, parse_integer reads."""
    assert amount == parse_integer(str(amount))


@pytest.mark.parametrize("text", [*UNREADABLE, "1.0", "1."])
def test_unreadable_integers_are_refused(text: str) -> None:
    """One amount has one text; everything else is refused."""
    with pytest.raises(InvalidAmount):
        parse_integer(text)


@given(AMOUNTS, DECIMALS)
def test_units_survive_their_text(amount: int, decimals: int) -> None:
    """What format_units writes, parse_units reads, exactly."""
    text = format_units(amount, decimals)
    if len(text) <= 80:
        assert amount == parse_units(text, decimals)


@given(AMOUNTS, DECIMALS)
def test_formatted_units_are_worth_the_amount(amount: int, decimals: int) -> None:
    """The text is the amount divided by 10^decimals, in its shortest form."""
    text = format_units(amount, decimals)

    assert Fraction(amount, 10**decimals) == Fraction(text)
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("1.5", 18, 1_500_000_000_000_000_000),
        ("0", 0, 0),
        ("-0.5", 1, -5),
        ("0.10", 1, 1),  # trailing zeros are no further digits
        ("7", 2, 700),
        ("123", 0, 123),
    ],
)
def test_units_by_example(text: str, decimals: int, amount: int) -> None:
    """Decimal text becomes whole units."""
    assert amount == parse_units(text, decimals)


@pytest.mark.parametrize("text", [*UNREADABLE, ".5", "1.", "1.2.3", "-0.0"])
def test_unreadable_units_are_refused(text: str) -> None:
    """No sign games, no bare points, no exponents."""
    with pytest.raises(InvalidAmount):
        parse_units(text, 18)


def test_digits_beyond_the_unit_are_refused_not_rounded() -> None:
    """Half a wei is no amount."""
    with pytest.raises(InvalidAmount):
        parse_units("0.0000000000000000005", 18)


@given(AMOUNTS, st.integers(-(2**64), 2**64), POSITIVE)
def test_rounding_brackets_the_exact_ratio(amount: int, numerator: int, denominator: int) -> None:
    """floor <= exact <= ceil, at most one apart, and equal exactly when the ratio is whole."""
    exact = Fraction(amount * numerator, denominator)
    floor, ceil = mul_div_floor(amount, numerator, denominator), mul_div_ceil(amount, numerator, denominator)

    assert floor <= exact <= ceil
    assert (0 if exact.denominator == 1 else 1) == ceil - floor


@given(st.integers(0, 2**128), st.integers(0, 10_000))
def test_a_share_and_the_rest_make_the_whole(amount: int, rate_bps: int) -> None:
    """What is paid out by rate plus what is kept, rounded the other way, loses nothing."""
    assert amount == bps(amount, rate_bps) + bps_ceil(amount, 10_000 - rate_bps)


def test_bps_by_example() -> None:
    """30 bps of 1 001 are 3.003: 3 when we pay, 4 when we charge."""
    assert bps(1_001, 30) == 3
    assert bps_ceil(1_001, 30) == 4


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_ratio_needs_a_positive_denominator(denominator: int) -> None:
    """Dividing by zero, or by something negative that would turn the rounding around, is refused."""
    for divide in (mul_div_floor, mul_div_ceil):
        with pytest.raises(ValueError, match="positive denominator"):
            divide(1, 1, denominator)


@pytest.mark.parametrize("decimals", [-1, 78])
def test_a_unit_has_at_most_77_decimals(decimals: int) -> None:
    """Beyond int256 there is no unit."""
    with pytest.raises(ValueError, match="decimals"):
        format_units(1, decimals)
    with pytest.raises(ValueError, match="decimals"):
        parse_units("1", decimals)
    assert format_units(1, 77) == "0." + "0" * 76 + "1"
