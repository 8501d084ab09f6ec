"""Packed words: the contract's bytes, one way to write each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.barter.core.words import (
    ENTRY_MAX,
    PER_WORD,
    WordsInvalid,
    from_bytes,
    pack,
    pack_lists,
    to_bytes,
    unpack,
    unpack_list,
)

pytestmark = pytest.mark.unit

entries = st.lists(st.integers(0, ENTRY_MAX), max_size=50)


@given(entries)
def test_what_is_packed_comes_back(numbers: list[int]) -> None:
    """In 252 bits a word, through bytes too."""
    words = pack(numbers)

    assert unpack(from_bytes(to_bytes(words)), len(numbers)) == tuple(numbers)
    assert len(words) == -(-len(numbers) // PER_WORD)
    assert all(word < 1 << 252 for word in words)


def test_the_first_lies_in_the_lowest_bits() -> None:
    """12 bits each; the 22nd begins a word."""
    assert pack([1, 2]) == (0x002001,)
    assert pack([*[0] * 20, 5, 7]) == (5 << 240, 7)


@pytest.mark.parametrize(("words", "count"), [((0x2001,), 1), ((1 << 252,), 21), ((1, 0), 21), ((), 1)])
def test_bits_behind_the_last_number_are_refused(words: tuple[int, ...], count: int) -> None:
    """Nothing is written in two ways."""
    with pytest.raises(WordsInvalid):
        unpack(words, count)


@pytest.mark.parametrize("numbers", [[-1], [ENTRY_MAX + 1]])
def test_numbers_of_more_than_12_bits_are_refused(numbers: list[int]) -> None:
    """And negative ones."""
    with pytest.raises(WordsInvalid):
        pack(numbers)


def test_a_list_ends_at_the_own_item() -> None:
    """Which is not written, and neither is what follows it."""
    assert pack_lists([[2, 0, 1], [], [1, 0]]) == (0x003, 0, 0x001002)
    assert [unpack_list(word) for word in (0x003, 0, 0x001002)] == [[2], [], [1, 0]]


def test_a_list_of_more_than_21_items_or_with_a_gap_is_refused() -> None:
    """A word has no room for the one, and the contract makes none of the other."""
    with pytest.raises(WordsInvalid):
        pack_lists([list(range(1, 23))])
    with pytest.raises(WordsInvalid):
        unpack_list(0x003000)
    assert unpack_list(pack_lists([list(range(1, 22))])[0]) == list(range(1, 22))


def test_a_part_of_a_word_is_refused() -> None:
    """Words are 32 bytes."""
    with pytest.raises(WordsInvalid):
        from_bytes(bytes(33))
