"""Owns envelopes: secrets at rest, each sealed under its own data key and bound to what it is for.

    blob = version (1 byte) || id of the wrapping key || wrapped key || nonce (12) || AES-GCM text

The id (UTF-8) and the wrapped key stand behind their lengths in two bytes, big-endian. A blob names the key that
wrapped it, so that it opens also after COUNTERPART_KMS_KEY_ID has moved on; version 1 lacked the name and opens under
the present key only.

The additional data is purpose, chain and address, each behind its length in four bytes, so that no two triples look
alike, and then the id of the wrapping key. The key service is given the same triple as its encryption context: a blob
moved to another row opens neither there. The data key lives for one call; nothing is cached, and no frame of a
traceback holds it in a variable.
"""

import os
import struct
from typing import NamedTuple

from pydantic import SecretBytes

from kernel.errors import Broken
from kernel.keys.kms import DataKey, Kms, WrongContext

VERSION = 2
VERSION_WITHOUT_KEY_ID = 1
NONCE_BYTES = 12
TAG_BYTES = 16
_SHORT_LENGTH = struct.Struct(">H")
_LENGTH = struct.Struct(">I")


class BlobUnreadable(Broken):
    """The sealed bytes are no envelope of a known version."""

    cause = "The bytes are cut off, or were written by newer code."
    remedy = "Deploy the code that wrote them, or restore the row from a backup."


class Envelope:
    """Seals under one key of the key service, and opens under whichever key sealed."""

    def __init__(self, kms: Kms, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def check(self) -> str:
        """The own id of the key that seals, also where the settings name an alias: for the start of a container.

        Raises KeyUnavailable, with the remedy, unless the key can be used.
        """
        return self._kms.check(self._key_id)

    def seal(self, plaintext: bytes, *, purpose: str, chain: str, address: str) -> bytes:
        """The blob that only the same triple opens. Raises KeyUnavailable, KeyServiceUnavailable."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        secret = SecretBytes(plaintext)
        del plaintext  # what fails from here on shows it in no variable
        key: DataKey = self._kms.generate_data_key(self._key_id, _context(purpose, chain, address))
        nonce, bound = os.urandom(NONCE_BYTES), additional_data(purpose, chain, address, key.key_id)
        sealed = AESGCM(key.plaintext).encrypt(nonce, secret.get_secret_value(), bound)
        return bytes([VERSION]) + _short(key.key_id.encode()) + _short(key.wrapped) + nonce + sealed

    def open(self, blob: bytes, *, purpose: str, chain: str, address: str) -> bytes:
        """What was sealed. Raises WrongContext, BlobUnreadable, KeyUnavailable, KeyServiceUnavailable."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        parts = _parts(blob)
        bound = additional_data(purpose, chain, address, parts.key_id)
        key_id = self._key_id if parts.key_id is None else parts.key_id
        cipher = AESGCM(self._kms.decrypt(key_id, parts.wrapped, _context(purpose, chain, address)))
        try:
            return cipher.decrypt(parts.nonce, parts.sealed, bound)
        except InvalidTag:
            raise WrongContext(purpose=purpose, chain=chain, address=address) from None


def wrapping_key(blob: bytes) -> str | None:
    """The own id of the key under which a blob was sealed; None for version 1. Raises BlobUnreadable."""
    return _parts(blob).key_id


def additional_data(purpose: str, chain: str, address: str, key_id: str | None = None) -> bytes:
    """purpose || chain || address || key id (since version 2), each as UTF-8 behind its length in four bytes."""
    texts = [purpose, chain, address] if key_id is None else [purpose, chain, address, key_id]
    return b"".join(_LENGTH.pack(len(part)) + part for part in (text.encode() for text in texts))


class _Parts(NamedTuple):
    key_id: str | None
    wrapped: bytes
    nonce: bytes
    sealed: bytes


def _context(purpose: str, chain: str, address: str) -> dict[str, str]:
    return {"purpose": purpose, "chain": chain, "address": address}


def _parts(blob: bytes) -> _Parts:
    version, at = blob[:1], 1
    if version not in {bytes([VERSION]), bytes([VERSION_WITHOUT_KEY_ID])}:
        raise BlobUnreadable(version=version.hex(), bytes=len(blob))
    key_id: bytes | None = None
    if version == bytes([VERSION]):
        key_id, at = _taken(blob, at)
    wrapped, at = _taken(blob, at)
    if len(blob) < at + NONCE_BYTES + TAG_BYTES:
        raise BlobUnreadable(bytes=len(blob))
    text = None if key_id is None else _text(key_id)
    return _Parts(text, wrapped, blob[at : at + NONCE_BYTES], blob[at + NONCE_BYTES :])


def _short(part: bytes) -> bytes:
    return _SHORT_LENGTH.pack(len(part)) + part


def _taken(blob: bytes, at: int) -> tuple[bytes, int]:
    """The part that stands at this place behind its length, and where the next one begins."""
    if len(blob) < at + _SHORT_LENGTH.size:
        raise BlobUnreadable(bytes=len(blob))
    (size,) = _SHORT_LENGTH.unpack_from(blob, at)
    start = at + _SHORT_LENGTH.size
    return blob[start : start + size], start + size


def _text(key_id: bytes) -> str:
    if not key_id.isascii() or not key_id:
        raise BlobUnreadable("The sealed bytes name no wrapping key.")
    return key_id.decode("ascii")
