"""Owns EVM addresses: 20 bytes inside, EIP-55 mixed case outside."""

from functools import lru_cache

from kernel.errors import Rejected
from kernel.hashes import keccak256

ADDRESS_SIZE_BYTES = 20
UNCOMPRESSED_SIZE_BYTES, UNCOMPRESSED_MARK = 65, 4
ZERO_ADDRESS = "0x" + "00" * ADDRESS_SIZE_BYTES


class AddressInvalid(Rejected):
    """This is not an EVM address."""

    cause = "An address is 0x and 40 hexadecimal digits; in mixed case its EIP-55 checksum must hold."
    remedy = "Copy the address again from its source."
    example = '{"address": "0x12"}'


@lru_cache(maxsize=4096)
def checksum(address: str) -> str:
    """The EIP-55 form. All-lower and all-upper case input is accepted, mixed case is verified. Raises AddressInvalid.

    Written here because eth_utils' own version brings in a second, slower keccak (0.3 s of cold start).
    """
    digits = address[2:]
    if not address.startswith(("0x", "0X")) or len(digits) != 2 * ADDRESS_SIZE_BYTES or not _hexadecimal(digits):
        raise AddressInvalid(address=address[:64])
    lower = digits.lower()
    digest = keccak256(lower.encode("ascii")).hex()
    mixed = "".join(
        letter.upper() if int(nibble, 16) >= 8 else letter for letter, nibble in zip(lower, digest, strict=False)
    )
    if digits not in {lower, digits.upper(), mixed}:
        raise AddressInvalid(address=address)
    return "0x" + mixed


def address_bytes(address: str) -> bytes:
    """The 20 bytes of a checked address. Raises AddressInvalid."""
    return bytes.fromhex(checksum(address)[2:])


def address_of(public_key: bytes) -> str:
    """The address of an uncompressed secp256k1 public key (65 bytes, first one 4): the last 20 of its keccak-256."""
    if len(public_key) != UNCOMPRESSED_SIZE_BYTES or public_key[0] != UNCOMPRESSED_MARK:
        raise ValueError("an uncompressed public key has 65 bytes, the first of them 4")
    return checksum("0x" + keccak256(public_key[1:])[-ADDRESS_SIZE_BYTES:].hex())


def _hexadecimal(digits: str) -> bool:
    return digits.isascii() and all(letter in "0123456789abcdefABCDEF" for letter in digits)
