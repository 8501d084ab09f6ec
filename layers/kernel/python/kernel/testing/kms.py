"""Owns the key service of tests: real AES-256-GCM under master keys that never leave the object."""

import json
import os
from collections.abc import Iterable, Mapping

from kernel.errors import KeyUnavailable
from kernel.keys.kms import DataKey, WrongContext

_NONCE_BYTES = 12


class InMemoryKms:
    """A kernel.keys.kms.Kms that knows the keys it was given; `data_keys` keeps what it issued, for leak tests."""

    def __init__(self, key_ids: Iterable[str] = ("test-key",)) -> None:
        self._masters = {key_id: os.urandom(32) for key_id in key_ids}
        self.data_keys: list[bytes] = []

    def check(self, key_id: str) -> None:
        """Raises KeyUnavailable unless the key can be used."""
        self._master(key_id)

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh 32-byte key, bare and wrapped, bound to `context`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        plaintext, nonce = os.urandom(32), os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._master(key_id)).encrypt(nonce, plaintext, _canonical(context))
        self.data_keys.append(plaintext)
        return DataKey(plaintext=plaintext, wrapped=nonce + sealed)

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext when key, context or bytes differ."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(self._master(key_id)).decrypt(nonce, sealed, _canonical(context))
        except (InvalidTag, ValueError) as refused:
            raise WrongContext from refused

    def _master(self, key_id: str) -> bytes:
        if key_id not in self._masters:
            raise KeyUnavailable(key_id=key_id)
        return self._masters[key_id]


def _canonical(context: Mapping[str, str]) -> bytes:
    return json.dumps(dict(context), sort_keys=True).encode()
