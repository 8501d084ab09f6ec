"""Owns envelopes: secrets at rest, each sealed under its own data key and bound to what it is for.

    blob = version (1 byte) || length of the wrapped key (2, big-endian) || wrapped key || nonce (12) || AES-GCM text

The additional data is purpose, chain and address, each behind its length in four bytes, so that no two triples look
alike. The key service is given the same triple as its encryption context: a blob moved to another row opens neither
there. The data key lives for one call; nothing is cached.
"""

import os
import struct

from kernel.errors import Broken
from kernel.keys.kms import DataKey, Kms, WrongContext

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
_HEADER = struct.Struct(">BH")
_LENGTH = struct.Struct(">I")


class BlobUnreadable(Broken):
    """The sealed bytes are no envelope of a known version."""

    cause = "The bytes are cut off, or were written by newer code."
    remedy = "Deploy the code that wrote them, or restore the row from a backup."


class Envelope:
    """Seals and opens under one key of the key service."""

    def __init__(self, kms: Kms, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def check(self) -> None:
        """Raises KeyUnavailable, with the remedy, unless the key can be used: for the start of a container."""
        self._kms.check(self._key_id)

    def seal(self, plaintext: bytes, *, purpose: str, chain: str, address: str) -> bytes:
        """The blob that only the same triple opens. Raises KeyUnavailable, KeyServiceUnavailable."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key: DataKey = self._kms.generate_data_key(self._key_id, _context(purpose, chain, address))
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(key.plaintext).encrypt(nonce, plaintext, additional_data(purpose, chain, address))
        return _HEADER.pack(VERSION, len(key.wrapped)) + key.wrapped + nonce + sealed

    def open(self, blob: bytes, *, purpose: str, chain: str, address: str) -> bytes:
        """What was sealed. Raises WrongContext, BlobUnreadable, KeyUnavailable, KeyServiceUnavailable."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        wrapped, nonce, sealed = _parts(blob)
        key = self._kms.decrypt(self._key_id, wrapped, _context(purpose, chain, address))
        try:
            return AESGCM(key).decrypt(nonce, sealed, additional_data(purpose, chain, address))
        except InvalidTag:
            raise WrongContext(purpose=purpose, chain=chain, address=address) from None


def additional_data(purpose: str, chain: str, address: str) -> bytes:
    """purpose || chain || address, each as UTF-8 behind its length in four bytes."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in (text.encode() for text in (purpose, chain, address)))


def _context(purpose: str, chain: str, address: str) -> dict[str, str]:
    return {"purpose": purpose, "chain": chain, "address": address}


def _parts(blob: bytes) -> tuple[bytes, bytes, bytes]:
    """Wrapped key, nonce and sealed text."""
    if len(blob) < _HEADER.size:
        raise BlobUnreadable(bytes=len(blob))
    version, wrapped_bytes = _HEADER.unpack_from(blob)
    nonce_at = _HEADER.size + wrapped_bytes
    if version != VERSION or len(blob) < nonce_at + NONCE_BYTES + TAG_BYTES:
        raise BlobUnreadable(version=version, bytes=len(blob))
    return blob[_HEADER.size : nonce_at], blob[nonce_at : nonce_at + NONCE_BYTES], blob[nonce_at + NONCE_BYTES :]
