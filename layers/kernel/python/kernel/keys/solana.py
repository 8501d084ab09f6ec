"""Owns who signs for a Solana address: a seed in memory (development), an envelope opened at the moment of signing, or
a key of KMS. (Whoever signs outside of Counterpart is in `kernel.keys.external`.)

A key is the 32-byte seed of Ed25519 (RFC 8032); its address is the public key in base58. The rules of
`kernel.keys.evm` hold here too: no attribute, repr, pickle or traceback ever shows the seed.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pydantic import SecretBytes

from kernel import base58
from kernel.errors import Broken, Rejected
from kernel.keys.addressed import Addressed
from kernel.keys.kms import SigningAlgorithm, SigningKeyUnavailable, SigningKms
from kernel.keys.sealed import Blob, Sealed

if TYPE_CHECKING:
    from kernel.keys.envelope import Envelope

SEED_SIZE_BYTES: Final = 32
PUBLIC_KEY_SIZE_BYTES: Final = 32
SIGNATURE_SIZE_BYTES: Final = 64


class SolanaAddressInvalid(Rejected):
    """This is not a Solana address."""

    status = 422
    cause = "An address is 32 bytes in base58, which has no 0, O, I and l."
    remedy = "Copy the address again from its source."
    example = '{"address": "0x12"}'


class SolanaKeyInvalid(Broken):
    """A signing key is not an Ed25519 seed, or not the seed of its address."""

    cause = "The opened bytes are not 32 (a wallet's file holds 64: seed and public key), or belong to another address."
    remedy = "Seal the seed, the first 32 bytes, again for this purpose, chain and address."


class SolanaSignatureMismatch(Broken):
    """A signature does not belong to the signer that gave it."""

    cause = "The signature does not verify over the message under the signer's address."
    remedy = "Check which key the signer really holds; nothing was sent."


class SignedMessage(NamedTuple):
    """A message and its signature; the message may be an earlier one than was asked for (see SolanaSigner.sign)."""

    message: bytes
    signature: bytes


class SolanaSigner(Protocol):
    """Whoever can sign for one address."""

    @property
    def address(self) -> str:
        """The signer's address, in base58."""
        ...

    def sign_message(self, message: bytes) -> bytes:
        """64 bytes over exactly this message, verified under the address."""
        ...

    def sign(self, message: bytes) -> SignedMessage:
        """What was really signed: somebody outside may have agreed to an earlier message for the same purpose.

        Where several sign, ask the outside one first and let the others sign its message.
        """
        ...


class OwnSolanaSigner(Addressed, ABC):
    """A signer whose signature is here at once."""

    __slots__ = ()

    @abstractmethod
    def sign_message(self, message: bytes) -> bytes: ...

    def sign(self, message: bytes) -> SignedMessage:
        return SignedMessage(message, self.sign_message(message))


class LocalSolanaSigner(OwnSolanaSigner):
    """Signs with a seed in memory: tests and local chains only."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        self._seed = SecretBytes(seed)
        del seed  # what fails from here on shows it in no variable
        self._address = _address_of_seed(self._seed)

    def sign_message(self, message: bytes) -> bytes:
        return _sign(self._seed, message)


class EnvelopeSolanaSigner(OwnSolanaSigner):
    """Signs with a seed that is stored sealed; it is opened for each signature and forgotten after it.

    blob: the sealed seed, or what fetches it for each signature, so that a rotation is followed.
    """

    __slots__ = ("_sealed",)

    def __init__(self, envelope: "Envelope", blob: Blob, *, purpose: str, chain: str, address: str) -> None:
        self._address = checked_address(address)
        self._sealed = Sealed(envelope, blob, purpose=purpose, chain=chain, address=address)

    def sign_message(self, message: bytes) -> bytes:
        seed = self._sealed.open()
        if _address_of_seed(seed) != self._address:
            raise SolanaKeyInvalid(address=self._address)
        return _sign(seed, message)

    def __repr__(self) -> str:
        return f"EnvelopeSolanaSigner({getattr(self, '_sealed', 'unfinished')})"


class KmsSolanaSigner(OwnSolanaSigner):
    """Signs with an Ed25519 key of KMS (key spec ECC_NIST_EDWARDS25519), which hands out its public key only.

    UNTESTED: moto, the KMS of our tests, knows no Ed25519 keys; written from the documentation of KMS. Only the
    address, the check of each signature and the refusals are tested, against a stand-in. Try it on a test network
    with a key of your own before any money depends on it.
    """

    __slots__ = ("_key_id", "_kms")

    def __init__(self, kms: SigningKms, key_id: str, address: str | None = None) -> None:
        """address: whose key it must be; None asks KMS, once. Every signature is checked against it."""
        self._kms, self._key_id = kms, key_id
        self._address = "" if address is None else checked_address(address)

    @property
    def address(self) -> str:
        self._address = self._address or _address_in(self._kms.public_key(self._key_id), self._key_id)
        return self._address

    def sign_message(self, message: bytes) -> bytes:
        signature = self._kms.sign(self._key_id, message, SigningAlgorithm.ED25519)
        verify_message(message, signature, self.address)
        return signature

    def __repr__(self) -> str:
        return f"KmsSolanaSigner({getattr(self, '_key_id', 'unfinished')})"


def seal_seed(envelope: "Envelope", seed: bytes, *, purpose: str, chain: str) -> tuple[str, bytes]:
    """(address, blob): the seed as it may be stored. Raises SolanaKeyInvalid, KeyUnavailable."""
    secret = SecretBytes(seed)
    del seed  # what fails from here on shows it in no variable
    address = _address_of_seed(secret)
    return address, envelope.seal(secret.get_secret_value(), purpose=purpose, chain=chain, address=address)


def checked_address(address: str) -> str:
    """The address as it is. Raises SolanaAddressInvalid unless it is 32 bytes in base58."""
    _public_bytes(address)
    return address


def verify_message(message: bytes, signature: bytes, address: str) -> None:
    """Raises SolanaSignatureMismatch unless `address` gave this signature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(_public_bytes(address)).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SolanaSignatureMismatch(address=address) from None


def _address_of_seed(seed: SecretBytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(seed) != SEED_SIZE_BYTES:
        raise SolanaKeyInvalid
    return base58.encode(Ed25519PrivateKey.from_private_bytes(seed.get_secret_value()).public_key().public_bytes_raw())


def _sign(seed: SecretBytes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed.get_secret_value()).sign(message)


def _address_in(public_key: bytes, key_id: str) -> str:
    """The address of a SubjectPublicKeyInfo. Raises SigningKeyUnavailable unless it is an Ed25519 key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm) as unreadable:
        raise SigningKeyUnavailable(key_id=key_id, reason="its public key is unreadable") from unreadable
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyUnavailable(key_id=key_id, reason="its public key is not of Ed25519")
    return base58.encode(key.public_bytes_raw())


def _public_bytes(address: str) -> bytes:
    try:
        public_key = base58.decode(address)
    except ValueError:
        raise SolanaAddressInvalid(address=address[:64]) from None
    if len(public_key) != PUBLIC_KEY_SIZE_BYTES:
        raise SolanaAddressInvalid(address=address[:64])
    return public_key
