"""Foreign text on its way into a column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.postgres.text import storable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain", "plain"), ("a\x00b", "ab"), ("half \ud800 pair", "half ? pair"), ("x" * 21, "x" * 20), ("", "")],
)
def test_what_a_column_refuses_is_taken_out(text: str, stored: str) -> None:
    """NUL goes, half a surrogate pair becomes a question mark, the rest is cut to its length."""
    assert stored == storable(text, 20)


@given(st.text(st.characters(codec=None)), st.integers(0, 50))
def test_any_text_becomes_storable(text: str, length_max: int) -> None:
    """Whatever somebody sends is UTF-8 without NUL, and no longer than allowed."""
    stored = storable(text, length_max)

    assert "\x00" not in stored.encode().decode()
    assert len(stored) <= length_max
