"""The words that the protocol hashes."""

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.abi import (
    AddressMalformed,
    address_bytes,
    address_word,
    int_word,
    padded,
    uint_word,
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
    with pytest.raises(AddressMalformed):
        address_bytes(text)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 32), (31, 32), (32, 32), (33, 64)])
def test_bytes_are_padded_to_whole_words(size: int, expected: int) -> None:
    """Zeros follow the bytes; a whole word gets none."""
    data = b"\xff" * size

    assert data + bytes(expected - size) == padded(data)
