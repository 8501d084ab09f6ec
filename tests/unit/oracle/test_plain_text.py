"""Numbers as text."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.oracle.adapters.plain_text import plain

pytestmark = pytest.mark.unit


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(100.0)
@example(1e16)
@example(1e-7)
@example(-0.0)
@example(0.1 + 0.2)
def test_a_float_is_told_by_its_shortest_digits_without_an_exponent(number: float) -> None:
    """It reads back as the same float, and as the same text that its decimal has."""
    text = plain(number)

    assert (number, format(Decimal(repr(number)).normalize(), "f")) == (float(text), text)
    assert "e" not in text


@pytest.mark.parametrize(
    ("number", "text"), [("93480.10", "93480.1"), ("1E+3", "1000"), ("0.00000001", "0.00000001"), ("5", "5")]
)
def test_a_decimal_loses_its_trailing_zeros_and_nothing_else(number: str, text: str) -> None:
    """Whatever form it came in."""
    assert text == plain(Decimal(number))
