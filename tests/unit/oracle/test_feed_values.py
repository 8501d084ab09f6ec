"""The value vector."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feed_values import (
    FeedValueOutOfRange,
    FeedValuesMalformed,
    Value,
    cut_trailing,
    decode,
    decode_integers,
    encode,
    encode_integers,
    is_well_formed,
    slot_matrix,
    to_integer,
)
from tests.unit.oracle.facts import protocol, unhex

pytestmark = pytest.mark.unit

INT32_MAX = 2**31 - 1
INTEGERS = st.none() | st.integers(-INT32_MAX, INT32_MAX)


@pytest.mark.parametrize("case", protocol()["encode"], ids=lambda case: case["bytes"])
def test_published_vectors(case: dict[str, list[float]]) -> None:
    """Two values, and a missing one at the end that is cut."""
    assert unhex(str(case["bytes"])) == encode(case["values"], [int(places) for places in case["decimals"]])


@given(st.lists(INTEGERS, min_size=1, max_size=70))
def test_integers_come_back_out_of_their_vector(integers: list[int | None]) -> None:
    """Missing slots at the end were cut and are padded again."""
    assert integers == decode_integers(encode_integers(integers), len(integers))


@given(st.lists(st.tuples(INTEGERS, st.integers(-5, 18)), min_size=1, max_size=70))
def test_values_come_back_out_of_their_vector(feeds: list[tuple[int | None, int]]) -> None:
    """As decimals, exactly, for feeds with few, many and negative decimals."""
    values = [None if integer is None else Decimal(integer).scaleb(-places) for integer, places in feeds]
    decimals = [places for _, places in feeds]

    assert values == decode(encode(values, decimals), decimals)


@pytest.mark.parametrize(
    ("value", "decimals", "integer"),
    [
        ("0.5", 0, 1),
        ("1.5", 0, 2),
        ("2.5", 0, 3),  # to even would be 2
        ("0.4999999999999999999999999999999999", 0, 0),  # more digits than a decimal context keeps
        ("-0.5", 0, 0),  # floor(-0.5 + 0.5)
        ("-1.5", 0, -1),
        ("-2.5", 0, -2),
        ("-2.51", 0, -3),
        ("1.005", 2, 101),
        ("0.00000000000000000000000001", 5, 0),
        ("1E+3", 0, 1_000),
        ("123456", -3, 123),
        ("123500", -3, 124),
        ("1e-999999", 8, 0),
    ],
)
def test_half_goes_up(value: str, decimals: int, integer: int) -> None:
    """floor(v * 10**decimals + 1/2), exactly, towards plus infinity for negative halves too."""
    assert integer == to_integer(Decimal(value), decimals)
    assert integer == to_integer(value, decimals)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**8), max_value=10**8), st.integers(0, 1))
def test_rounding_is_the_floor_of_the_value_plus_a_half(value: Decimal, decimals: int) -> None:
    """Against whole-number arithmetic."""
    numerator, denominator = value.as_integer_ratio()

    assert (2 * numerator * 10**decimals + denominator) // (2 * denominator) == to_integer(value, decimals)


def test_a_float_counts_as_its_shortest_text() -> None:
    """1.005 means 1.005 and not the binary fraction a little below it."""
    assert 101 == to_integer(1.005, 2)
    assert 100 == to_integer(Decimal.from_float(1.005), 2)


@pytest.mark.parametrize("integer", [INT32_MAX, -INT32_MAX])
def test_the_outermost_values_fit(integer: int) -> None:
    """Strictly between 0 and 2**32 after the offset."""
    assert [integer] == decode_integers(encode([integer], [0]), 1)


@pytest.mark.parametrize(
    "value", [2**31, -(2**31), "1e10", "-1e10", 10**30, Decimal("NaN"), Decimal("Infinity"), float("-inf"), "1e999999"]
)
def test_a_value_outside_its_slot_is_refused(value: Value) -> None:
    """-2**31 too: its slot would be 0, which means missing."""
    with pytest.raises(FeedValueOutOfRange):
        encode([value], [0])


def test_missing_slots_in_the_middle_stay() -> None:
    """Only those at the end are cut."""
    assert unhex("800000010000000080000002") == encode([1, None, 2, None, None], [0] * 5)


def test_one_slot_stays_when_all_are_missing() -> None:
    """A vector is never empty."""
    assert bytes(4) == encode([None, None], [0, 0])
    assert bytes(4) == cut_trailing(bytes(12))


def test_a_zero_byte_at_the_end_of_a_value_is_not_cut() -> None:
    """Whole slots are cut, not bytes."""
    assert unhex("8000010080000000") == encode([256, 0], [0, 0])
    assert unhex("80000100") == encode([256, None], [0, 0])


def test_values_and_feeds_are_as_many() -> None:
    """One value, or None, for each feed."""
    with pytest.raises(FeedValuesMalformed):
        encode([1], [0, 0])


@pytest.mark.parametrize("size", [1, 3, 5, 12])
def test_a_vector_that_is_no_list_of_slots_is_refused(size: int) -> None:
    """Not a multiple of 4, or more slots than feeds."""
    assert not is_well_formed(bytes(size), 2)
    with pytest.raises(FeedValuesMalformed):
        decode_integers(bytes(size), 2)


@pytest.mark.parametrize("size", [0, 4, 8])
def test_a_short_vector_is_padded(size: int) -> None:
    """Nothing at all means that all is missing."""
    assert is_well_formed(bytes(size), 2)
    assert [None, None] == decode(bytes(size), [5, 5])


@given(st.lists(st.lists(INTEGERS, min_size=3, max_size=3), min_size=1, max_size=9))
def test_the_matrix_holds_each_vectors_slots(rows: list[list[int | None]]) -> None:
    """One row a vector, one column a feed, 0 where missing."""
    expected = [[0 if integer is None else integer + 2**31 for integer in row] for row in rows]

    assert expected == slot_matrix([encode_integers(row) for row in rows], 3).tolist()
