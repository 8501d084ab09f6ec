"""Owns the words of the Solidity ABI: 32 bytes each, numbers big-endian."""

from typing import Final

from kernel.evm.addresses import ADDRESS_SIZE_BYTES, AddressInvalid, address_bytes, checksum

__all__ = [
    "ADDRESS_SIZE_BYTES",
    "UINT256_LIMIT",
    "WORD_SIZE_BYTES",
    "AddressInvalid",
    "WordMalformed",
    "address_bytes",
    "address_of_word",
    "address_word",
    "int_word",
    "padded",
    "uint_word",
    "uint_words",
]

WORD_SIZE_BYTES: Final = 32
UINT256_LIMIT: Final = 2**256


class WordMalformed(ValueError):
    """Bytes that no ABI encoder writes for this type."""


def uint_word(number: int) -> bytes:
    """A non-negative number below 2**256; OverflowError otherwise."""
    return number.to_bytes(WORD_SIZE_BYTES, "big")


def int_word(number: int) -> bytes:
    """A signed number in two's complement."""
    return number.to_bytes(WORD_SIZE_BYTES, "big", signed=True)


def address_word(address: str) -> bytes:
    """An address, zeros on the left. Raises AddressInvalid."""
    return address_bytes(address).rjust(WORD_SIZE_BYTES, b"\0")


def padded(data: bytes) -> bytes:
    """Bytes, zeros on the right up to a whole number of words."""
    return data + bytes(-len(data) % WORD_SIZE_BYTES)


def uint_words(data: bytes, count: int) -> tuple[int, ...]:
    """Exactly so many words as numbers. Raises WordMalformed for more or fewer bytes."""
    if len(data) != count * WORD_SIZE_BYTES:
        raise WordMalformed(f"{len(data)} bytes instead of {count} words")
    return tuple(
        int.from_bytes(data[start : start + WORD_SIZE_BYTES], "big") for start in range(0, len(data), WORD_SIZE_BYTES)
    )


def address_of_word(number: int) -> str:
    """The address, in its EIP-55 form, that a word holds. Raises WordMalformed where the high 12 bytes are not zero."""
    if number >> (8 * ADDRESS_SIZE_BYTES):
        raise WordMalformed("the high bytes of an address word are not zero")
    return checksum("0x" + number.to_bytes(ADDRESS_SIZE_BYTES, "big").hex())
