"""Owns the few Solidity ABI words that the protocol hashes: 32 bytes each, numbers big-endian."""

from typing import Final

from kernel.errors import Invalid

WORD_SIZE_BYTES: Final = 32
ADDRESS_SIZE_BYTES: Final = 20
UINT256_LIMIT: Final = 2**256


class AddressMalformed(Invalid):
    """An address is 0x and 40 hexadecimal digits."""

    cause = "The text is no EVM address."
    remedy = "Send 0x followed by 40 hexadecimal digits."


def uint_word(number: int) -> bytes:
    """A non-negative number below 2**256; OverflowError otherwise."""
    return number.to_bytes(WORD_SIZE_BYTES, "big")


def int_word(number: int) -> bytes:
    """A signed number in two's complement."""
    return number.to_bytes(WORD_SIZE_BYTES, "big", signed=True)


def address_bytes(address: str) -> bytes:
    """The 20 bytes of 0x-prefixed text in any case. Raises AddressMalformed."""
    try:
        packed = bytes.fromhex(address.removeprefix("0x"))
    except ValueError:
        raise AddressMalformed from None

    if len(packed) != ADDRESS_SIZE_BYTES:
        raise AddressMalformed
    return packed


def address_word(address: str) -> bytes:
    """An address, zeros on the left."""
    return address_bytes(address).rjust(WORD_SIZE_BYTES, b"\0")


def padded(data: bytes) -> bytes:
    """Bytes, zeros on the right up to a whole number of words."""
    return data + bytes(-len(data) % WORD_SIZE_BYTES)
