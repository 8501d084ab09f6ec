"""Reading JSON from outside: all of it, nothing else, and nothing that hurts the reader."""

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.strict_json import DEEPEST, NotStrictJson, read

pytestmark = pytest.mark.unit

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(VALUES)
def test_every_json_value_is_read(value: Any) -> None:
    """As text and as bytes, escaped or not."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read(text) == value
        assert read(text.encode()) == value


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_whatever_comes_is_read_or_refused(text: str | bytes) -> None:
    """No other failure gets out."""
    try:
        read(text)
    except NotStrictJson:
        return


NO_JSON = [
    *("", "nonsense", "{", "[1,]", "'a'", b"\xff"),
    *("NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "-1e999", "9" * 5_000),
    '"\\ud800"',
]


@pytest.mark.parametrize("text", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    """Python's extras, numbers beyond a float, text that cannot be written."""
    with pytest.raises(NotStrictJson):
        read(text)


@pytest.mark.parametrize(("opening", "closing"), ["[]", ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_has_an_end(opening: str, closing: str) -> None:
    """As deep as the limit is read, one deeper is refused."""
    levels = DEEPEST // sum(opening.count(bracket) for bracket in "[{")

    read(opening * levels + "1" + closing * levels)
    with pytest.raises(NotStrictJson):
        read(opening * (levels + 1) + "1" + closing * (levels + 1))


def test_brackets_in_strings_are_text() -> None:
    """Also behind escaped quotes; and neighbours are not nested."""
    text = json.dumps(['[[{"' * 100, "\\" * 3 + '"[' * 100, [[]] * 500])

    assert read(text) == json.loads(text)


def test_bottomless_nesting_is_refused_whatever_the_recursion_limit() -> None:
    """A vendor may raise the limit beyond the C stack; the reader never gets that far."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for text in ("[" * 1_000_000, '{"a":' * 200_000, '["\\"' + "[" * 500_000, '"[' * 500_000):
            with pytest.raises(NotStrictJson):
                read(text)
    finally:
        sys.setrecursionlimit(before)


def test_the_scan_takes_linear_time() -> None:
    """Unfinished strings full of escapes are a known way to make a scanner go round in circles."""
    text = "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1) + '[["' + '\\"' * 400_000
    started_s = time.perf_counter()
    with pytest.raises(NotStrictJson):
        read(text)

    assert time.perf_counter() - started_s < 2
