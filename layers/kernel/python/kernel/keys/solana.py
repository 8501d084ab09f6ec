"""Owns who signs for a Solana address: a seed in memory (development) or an envelope opened at the moment of signing.

A key is the 32-byte seed of Ed25519 (RFC 8032); its address is the public key in base58. The rules of
`kernel.keys.evm` hold here too: no attribute, repr, pickle or traceback ever shows the seed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Protocol

from kernel import base58
from kernel.errors import Broken, Rejected

if TYPE_CHECKING:
    from kernel.keys.envelope import Envelope

SEED_SIZE_BYTES: Final = 32
PUBLIC_KEY_SIZE_BYTES: Final = 32
SIGNATURE_SIZE_BYTES: Final = 64


class SolanaAddressInvalid(Rejected):
    """This is not a Solana address."""

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


class LocalSolanaSigner:
    """Signs with a seed in memory: tests and local chains only."""

    __slots__ = ("_address", "_sign")

    def __init__(self, seed: bytes) -> None:
        self._address = address_of_seed(seed)
        self._sign = _enclosed(seed)

    @property
    def address(self) -> str:
        return self._address

    def sign_message(self, message: bytes) -> bytes:
        return self._sign(message)

    def sign(self, message: bytes) -> SignedMessage:
        return SignedMessage(message, self.sign_message(message))

    def __repr__(self) -> str:
        return f"LocalSolanaSigner({self._address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not to be copied out of its process")


class EnvelopeSolanaSigner:
    """Signs with a seed that is stored sealed; it is opened for each signature and forgotten after it."""

    __slots__ = ("_address", "_blob", "_chain", "_envelope", "_purpose")

    def __init__(self, envelope: "Envelope", blob: bytes, *, purpose: str, chain: str, address: str) -> None:
        self._envelope, self._blob = envelope, blob
        self._purpose, self._chain = purpose, chain
        self._address = checked_address(address)

    @property
    def address(self) -> str:
        return self._address

    def sign_message(self, message: bytes) -> bytes:
        seed = self._envelope.open(self._blob, purpose=self._purpose, chain=self._chain, address=self._address)
        if address_of_seed(seed) != self._address:
            raise SolanaKeyInvalid(address=self._address)
        return _sign(seed, message)

    def sign(self, message: bytes) -> SignedMessage:
        return SignedMessage(message, self.sign_message(message))

    def __repr__(self) -> str:
        return f"EnvelopeSolanaSigner({self._address}, {self._purpose}, {self._chain})"


def seal_seed(envelope: "Envelope", seed: bytes, *, purpose: str, chain: str) -> tuple[str, bytes]:
    """(address, blob): the seed as it may be stored. Raises SolanaKeyInvalid, KeyUnavailable."""
    address = address_of_seed(seed)
    return address, envelope.seal(seed, purpose=purpose, chain=chain, address=address)


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


def address_of_seed(seed: bytes) -> str:
    """The address that a seed signs for. Raises SolanaKeyInvalid."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(seed) != SEED_SIZE_BYTES:
        raise SolanaKeyInvalid
    return base58.encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def _enclosed(seed: bytes) -> Callable[[bytes], bytes]:
    def sign(message: bytes) -> bytes:
        return _sign(seed, message)

    return sign


def _sign(seed: bytes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def _public_bytes(address: str) -> bytes:
    try:
        public_key = base58.decode(address)
    except ValueError:
        raise SolanaAddressInvalid(address=address[:64]) from None
    if len(public_key) != PUBLIC_KEY_SIZE_BYTES:
        raise SolanaAddressInvalid(address=address[:64])
    return public_key
