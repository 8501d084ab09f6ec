"""Owns the form in which wallets' keys were kept before: read exactly, and nothing else taken for it.

    {"address": "…", "private_key": {"version": "v2_seed", "encrypted": …, "iv": …, "tag": …, "aad": …}}

The Ed25519 seed, 32 bytes, under AES-256-GCM with one key for all wallets; the four texts are hexadecimal or base64,
all alike. `private_key` may be the same object as a text. The additional data is random, so a ciphertext that was moved
to another wallet opens there, too: only the address that the seed leads to tells. What is no such object (a bare key, a
list of numbers, other fields) is refused and never quoted, for it may be a key in clear.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel import base58, strict_json
from kernel.errors import Invalid

VERSION: Final = "v2_seed"
SEED_BYTES: Final = 32
TAG_BYTES: Final = 16
IV_BYTES: Final = (12, 16)
AAD_BYTES_MAX: Final = 1_024
_PARTS: Final = ("encrypted", "iv", "tag", "aad")
_HEX_LENGTH: Final = 2 * SEED_BYTES


class LegacyWalletUnfit(Invalid):
    """This is no wallet of the earlier form."""

    cause = "A field is missing, of another length or unreadable, or the key is not encrypted at all."
    remedy = "Export address and private_key as they are stored. Never send a key in clear; move its lamports away."
    example = '{"problem": "the key is not an encrypted object"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyWallet:
    """A wallet's address, and its sealed seed."""

    address: str
    encrypted: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    aad: bytes = field(repr=False)


def read_line(line: str) -> LegacyWallet:
    """The wallet on a line of JSON. Raises LegacyWalletUnfit."""
    row = _object(line)
    if row is None or set(row) != {"address", "private_key"}:
        raise LegacyWalletUnfit(problem="the line is not an object of address and private_key")
    address, key = row["address"], _object(row["private_key"])
    if not _is_address(address):
        raise LegacyWalletUnfit(problem="the address is none")
    if key is None or set(key) - {"version"} != set(_PARTS):
        raise LegacyWalletUnfit(problem="the key is not an encrypted object", address=address)
    if key.get("version", VERSION) != VERSION:
        raise LegacyWalletUnfit(problem="the key is of another version", address=address)
    encrypted, iv, tag, aad = _octets(key, address)
    if (len(encrypted), len(tag)) != (SEED_BYTES, TAG_BYTES) or len(iv) not in IV_BYTES or len(aad) > AAD_BYTES_MAX:
        raise LegacyWalletUnfit(problem="a part of the key has another length", address=address)
    return LegacyWallet(address=address, encrypted=encrypted, iv=iv, tag=tag, aad=aad)


def _octets(key: Mapping[str, Any], address: str) -> list[bytes]:
    """The four parts, in the one encoding that the first of them is in."""
    texts = [key[name] for name in _PARTS]
    if not all(isinstance(text, str) for text in texts):
        raise LegacyWalletUnfit(problem="a part of the key is no text", address=address)
    try:
        if len(texts[0]) == _HEX_LENGTH:
            return [bytes.fromhex(text) for text in texts]
        return [base64.b64decode(text, validate=True) for text in texts]
    except (ValueError, binascii.Error):
        raise LegacyWalletUnfit(problem="a part of the key is unreadable", address=address) from None


def _object(given: Any) -> dict[str, Any] | None:
    """The object that is given, or that a text stands for."""
    if isinstance(given, str):
        try:
            given = strict_json.read(given)
        except strict_json.NotStrictJson:
            return None
    return given if isinstance(given, dict) else None


def _is_address(address: Any) -> bool:
    try:
        return isinstance(address, str) and len(base58.decode(address)) == SEED_BYTES
    except ValueError:
        return False
