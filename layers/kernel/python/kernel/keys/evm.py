"""Owns who signs for an EVM address: a key in memory (development), an envelope opened at the moment of signing, or a
key of KMS, which never leaves it. (Whoever signs outside of Counterpart is in `kernel.keys.external`.)

The plain key lives in no attribute or variable whose repr, pickle or traceback could show it. The libsecp256k1 binding
keeps its secret as a plain attribute, so such an object lives for one call only.
"""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretBytes

from kernel.errors import Broken
from kernel.evm.addresses import address_of, checksum
from kernel.evm.transactions import (
    SECP256K1_ORDER,
    Signature,
    SignatureMismatch,
    SignedTransaction,
    UnsignedTransaction,
    recovered_address,
    verify_signature,
)
from kernel.hashes import HASH_SIZE_BYTES
from kernel.keys.addressed import Addressed
from kernel.keys.kms import SigningAlgorithm, SigningKeyUnavailable, SigningKms
from kernel.keys.sealed import Blob, Sealed

if TYPE_CHECKING:
    from kernel.keys.envelope import Envelope

KEY_SIZE_BYTES = 32


class SigningKeyInvalid(Broken):
    """A signing key is not a secp256k1 key, or not the key of its address."""

    cause = "The opened bytes are not 32 bytes between 1 and the order of the curve, or belong to another address."
    remedy = "Seal the right key again for this purpose, chain and address."


class Signer(Protocol):
    """Whoever can sign for one address."""

    @property
    def address(self) -> str:
        """The signer's address, in EIP-55 form."""
        ...

    def sign_digest(self, digest: bytes) -> Signature:
        """(v, r, s) over 32 bytes; v is 27 or 28 and s in the lower half."""
        ...

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        """The signed bytes, checked against the signer's address."""
        ...


class OwnSigner(Addressed, ABC):
    """A signer whose signature is here at once."""

    __slots__ = ()

    @abstractmethod
    def sign_digest(self, digest: bytes) -> Signature: ...

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        digest = payload.digest()
        signature = self.sign_digest(digest)
        verify_signature(digest, signature, self.address)
        return payload.with_signature(signature)


class LocalSigner(OwnSigner):
    """Signs with a key in memory: tests and local chains only."""

    __slots__ = ("_key",)

    def __init__(self, private_key: bytes) -> None:
        self._key = SecretBytes(private_key)
        del private_key  # what fails from here on shows it in no variable
        self._address = _address_of_key(self._key)

    def sign_digest(self, digest: bytes) -> Signature:
        return _sign(self._key, digest)


class EnvelopeSigner(OwnSigner):
    """Signs with a key that is stored sealed; it is opened for each signature and forgotten after it.

    blob: the sealed key, or what fetches it for each signature, so that a rotation is followed.
    """

    __slots__ = ("_sealed",)

    def __init__(self, envelope: "Envelope", blob: Blob, *, purpose: str, chain: str, address: str) -> None:
        self._address = checksum(address)
        self._sealed = Sealed(envelope, blob, purpose=purpose, chain=chain, address=self._address)

    def sign_digest(self, digest: bytes) -> Signature:
        key = self._sealed.open()
        if _address_of_key(key) != self._address:
            raise SigningKeyInvalid(address=self._address)
        return _sign(key, digest)

    def __repr__(self) -> str:
        return f"EnvelopeSigner({getattr(self, '_sealed', 'unfinished')})"


class KmsSigner(OwnSigner):
    """Signs with a secp256k1 key of KMS, which signs digests and hands out nothing but its public key.

    KMS signs as ECDSA in DER, with s in either half and no recovery id: s is brought into the lower half (EIP-2), and
    the recovery id is whichever of the two leads back to the address.
    """

    __slots__ = ("_key_id", "_kms")

    def __init__(self, kms: SigningKms, key_id: str, address: str | None = None) -> None:
        """address: whose key it must be; None asks KMS, once. Every signature is checked against it."""
        self._kms, self._key_id = kms, key_id
        self._address = "" if address is None else checksum(address)

    @property
    def address(self) -> str:
        self._address = self._address or _address_in(self._kms.public_key(self._key_id), self._key_id)
        return self._address

    def sign_digest(self, digest: bytes) -> Signature:
        _check_digest(digest)
        r, s = _from_der(self._kms.sign(self._key_id, digest, SigningAlgorithm.SECP256K1))
        return recoverable(digest, r, s, self.address)

    def __repr__(self) -> str:
        return f"KmsSigner({getattr(self, '_key_id', 'unfinished')})"


def seal_key(envelope: "Envelope", private_key: bytes, *, purpose: str, chain: str) -> tuple[str, bytes]:
    """(address, blob): the key as it may be stored. Raises SigningKeyInvalid, KeyUnavailable."""
    key = SecretBytes(private_key)
    del private_key  # what fails from here on shows it in no variable
    address = _address_of_key(key)
    return address, envelope.seal(key.get_secret_value(), purpose=purpose, chain=chain, address=address)


def recoverable(digest: bytes, r: int, s: int, address: str) -> Signature:
    """The signature as contracts take it, from its bare numbers: s in the lower half, v found by recovery.

    Raises SignatureMismatch unless `address` gave it.
    """
    if not (0 < r < SECP256K1_ORDER and 0 < s < SECP256K1_ORDER):
        raise SignatureMismatch(address=address)
    low_s = min(s, SECP256K1_ORDER - s)
    for v in (27, 28):
        signature = Signature(v, r, low_s)
        if _recovers(digest, signature, address):
            return signature
    raise SignatureMismatch(address=address)


def _recovers(digest: bytes, signature: Signature, address: str) -> bool:
    try:
        return recovered_address(digest, signature) == address
    except SignatureMismatch:  # this r is no point of the curve with that parity
        return False


def _sign(key: SecretBytes, digest: bytes) -> Signature:
    import coincurve

    _check_digest(digest)
    # libsecp256k1: deterministic nonce (RFC 6979), low s, recovery id in the last byte.
    compact = coincurve.PrivateKey(key.get_secret_value()).sign_recoverable(digest, hasher=None)
    return Signature(27 + compact[64], int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:64], "big"))


def _check_digest(digest: bytes) -> None:
    if len(digest) != HASH_SIZE_BYTES:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")


def _address_of_key(key: SecretBytes) -> str:
    import coincurve

    public_key = None
    if len(key) == KEY_SIZE_BYTES:
        with suppress(ValueError):
            public_key = coincurve.PrivateKey(key.get_secret_value()).public_key
    if public_key is None:
        # Raised out here: nothing of the failing call, its arguments least of all, belongs into a traceback.
        raise SigningKeyInvalid
    return address_of(public_key.format(compressed=False))


def _from_der(signature: bytes) -> tuple[int, int]:
    """(r, s) of an ECDSA signature; strictly DER, so one text for one signature. Raises SignatureMismatch."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        return decode_dss_signature(signature)
    except ValueError as malformed:
        raise SignatureMismatch("The key service's signature is not an ECDSA signature in DER.") from malformed


def _address_in(public_key: bytes, key_id: str) -> str:
    """The address of a SubjectPublicKeyInfo. Raises SigningKeyUnavailable unless it is a secp256k1 key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm) as unreadable:
        raise SigningKeyUnavailable(key_id=key_id, reason="its public key is unreadable") from unreadable
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256K1):
        raise SigningKeyUnavailable(key_id=key_id, reason="its public key is not on secp256k1")
    return address_of(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
