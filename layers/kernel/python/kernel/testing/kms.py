"""Owns the key service of tests: real AES-256-GCM and ECDSA under keys that never leave the object."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from kernel.errors import Broken, KeyUnavailable
from kernel.keys.kms import DataKey, SigningAlgorithm, SigningKeyUnavailable, WrongContext

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_NONCE_BYTES: Final = 12
_ARN: Final = "arn:test:kms:key/"


class InMemoryKms:
    """A kernel.keys.kms.Kms and SigningKms that knows the keys it was given; keys have an own id, as KMS has ARNs.

    `data_keys` keeps what it issued, for leak tests. `aliases` (alias -> key) may be moved while it is in use.
    """

    def __init__(
        self,
        key_ids: Iterable[str] = ("test-key",),
        *,
        signing_key_ids: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._masters = {key_id: os.urandom(32) for key_id in key_ids}
        self._pairs = {key_id: _pair() for key_id in signing_key_ids}
        self._disabled: set[str] = set()
        self.aliases = dict(aliases or {})
        self.data_keys: list[bytes] = []

    def check(self, key_id: str) -> str:
        """The key's own id. Raises KeyUnavailable unless the key can be used."""
        name = self._name(key_id, KeyUnavailable)
        if name not in self._masters:
            raise KeyUnavailable(key_id=key_id)
        return _ARN + name

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh 32-byte key, bare and wrapped, bound to `context`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        plaintext, nonce = os.urandom(32), os.urandom(_NONCE_BYTES)
        own_id = self.check(key_id)
        sealed = AESGCM(self._master(own_id)).encrypt(nonce, plaintext, _canonical(context))
        self.data_keys.append(plaintext)
        return DataKey(plaintext=plaintext, wrapped=nonce + sealed, key_id=own_id)

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext when key, context or bytes differ."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(self._master(self.check(key_id)))
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, sealed, _canonical(context))
        except (InvalidTag, ValueError) as refused:
            raise WrongContext from refused

    def public_key(self, key_id: str) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._signing_pair(key_id).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, key_id: str, message: bytes, algorithm: SigningAlgorithm) -> bytes:
        """A DER signature over a digest: another one each time, with s in either half."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
        from cryptography.hazmat.primitives.hashes import SHA256

        if algorithm is not SigningAlgorithm.SECP256K1:
            raise SigningKeyUnavailable(key_id=key_id, reason="InvalidKeyUsageException")
        return self._signing_pair(key_id).sign(message, ec.ECDSA(Prehashed(SHA256())))

    def add(self, key_id: str) -> None:
        """One more wrapping key."""
        self._masters[key_id] = os.urandom(32)

    def disable(self, key_id: str) -> None:
        """From now on nobody can use this key."""
        self._disabled.add(key_id)

    def _master(self, own_id: str) -> bytes:
        return self._masters[own_id.removeprefix(_ARN)]

    def _signing_pair(self, key_id: str) -> "EllipticCurvePrivateKey":
        name = self._name(key_id, SigningKeyUnavailable)
        if name not in self._pairs:
            raise SigningKeyUnavailable(key_id=key_id)
        return self._pairs[name]

    def _name(self, key_id: str, unusable: type[Broken]) -> str:
        name = self.aliases.get(key_id, key_id).removeprefix(_ARN)
        if name in self._disabled:
            raise unusable(key_id=key_id, state="Disabled")
        return name


def _pair() -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256K1())


def _canonical(context: Mapping[str, str]) -> bytes:
    return json.dumps(dict(context), sort_keys=True).encode()
