"""The words of the Solidity ABI."""

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from kernel.abi import (
    AddressInvalid,
    WordMalformed,
    address_bytes,
    address_of_word,
    address_word,
    int_word,
    padded,
    uint_word,
    uint_words,
)

pytestmark = pytest.mark.unit

ADDRESS = "0xc4a19715F3Dd209F01E84ABe65De7c2E9C8b6269"


@given(st.integers(0, 2**256 - 1))
def test_an_unsigned_word_is_what_the_abi_encoder_writes(number: int) -> None:
    """uint256, big-endian."""
    assert abi_encode(["uint256"], [number]) == uint_word(number)


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_signed_word_is_what_the_abi_encoder_writes(number: int) -> None:
    """int32 in two's complement, extended to the word."""
    assert abi_encode(["int32"], [number]) == int_word(number)


def test_an_unsigned_word_refuses_what_does_not_fit() -> None:
    """2**256 has no word."""
    with pytest.raises(OverflowError):
        uint_word(2**256)


def test_an_address_word_has_zeros_on_the_left() -> None:
    """As abi.encode(address) writes it, whatever the case of the letters."""
    assert abi_encode(["address"], [ADDRESS]) == address_word(ADDRESS.lower()) == address_word(ADDRESS)


@pytest.mark.parametrize("text", ["", "0x", "0x12", ADDRESS + "00", ADDRESS[:-1], "0x" + "zz" * 20])
def test_a_malformed_address_is_refused(text: str) -> None:
    """Wrong length, odd length, no hexadecimal."""
    with pytest.raises(AddressInvalid):
        address_bytes(text)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 32), (31, 32), (32, 32), (33, 64)])
def test_bytes_are_padded_to_whole_words(size: int, expected: int) -> None:
    """Zeros follow the bytes; a whole word gets none."""
    data = b"\xff" * size

    assert data + bytes(expected - size) == padded(data)


@given(st.lists(st.integers(0, 2**256 - 1), max_size=5))
def test_words_are_read_as_they_are_written(numbers: list[int]) -> None:
    """Each at its place."""
    assert tuple(numbers) == uint_words(b"".join(map(uint_word, numbers)), len(numbers))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_more_or_fewer_bytes_than_the_words_are_refused(size: int) -> None:
    """An event of another contract may have any number of them."""
    with pytest.raises(WordMalformed):
        uint_words(bytes(size), 1)


def test_an_address_is_read_from_its_word() -> None:
    """In its mixed case."""
    assert ADDRESS == address_of_word(int.from_bytes(address_word(ADDRESS), "big"))


def test_a_word_that_is_no_address_is_refused() -> None:
    """Something above the 20 bytes: cutting it off would pay a stranger."""
    with pytest.raises(WordMalformed):
        address_of_word(1 << 160)
