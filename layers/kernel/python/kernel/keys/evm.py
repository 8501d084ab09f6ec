"""Owns who signs for an EVM address: a key in memory (development) or an envelope opened at the moment of signing.

The plain key lives in no attribute that a repr, a pickle or a log could show. The libsecp256k1 binding keeps its
secret as a plain attribute, so the local signer holds it in a closure, and the envelope signer for one call only.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, Protocol

from kernel.errors import Broken
from kernel.evm.addresses import address_of, checksum
from kernel.evm.transactions import Signature, SignedTransaction, UnsignedTransaction, verify_signature
from kernel.hashes import HASH_SIZE_BYTES

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


class LocalSigner:
    """Signs with a key in memory: tests and local chains only."""

    __slots__ = ("_address", "_sign")

    def __init__(self, private_key: bytes) -> None:
        self._address = _address_of_key(private_key)
        self._sign = _enclosed(private_key)

    @property
    def address(self) -> str:
        return self._address

    def sign_digest(self, digest: bytes) -> Signature:
        return self._sign(digest)

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        return _signed(self, payload)

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not to be copied out of its process")


class EnvelopeSigner:
    """Signs with a key that is stored sealed; it is opened for each signature and forgotten after it."""

    __slots__ = ("_address", "_blob", "_chain", "_envelope", "_purpose")

    def __init__(self, envelope: "Envelope", blob: bytes, *, purpose: str, chain: str, address: str) -> None:
        self._envelope, self._blob = envelope, blob
        self._purpose, self._chain = purpose, chain
        self._address = checksum(address)

    @property
    def address(self) -> str:
        return self._address

    def sign_digest(self, digest: bytes) -> Signature:
        key = self._envelope.open(self._blob, purpose=self._purpose, chain=self._chain, address=self._address)
        if _address_of_key(key) != self._address:
            raise SigningKeyInvalid(address=self._address)
        return _sign(key, digest)

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        return _signed(self, payload)

    def __repr__(self) -> str:
        return f"EnvelopeSigner({self._address}, {self._purpose}, {self._chain})"


def seal_key(envelope: "Envelope", private_key: bytes, *, purpose: str, chain: str) -> tuple[str, bytes]:
    """(address, blob): the key as it may be stored. Raises SigningKeyInvalid, KeyUnavailable."""
    address = _address_of_key(private_key)
    return address, envelope.seal(private_key, purpose=purpose, chain=chain, address=address)


def _signed(signer: Signer, payload: UnsignedTransaction) -> SignedTransaction:
    digest = payload.digest()
    signature = signer.sign_digest(digest)
    verify_signature(digest, signature, signer.address)
    return payload.with_signature(signature)


def _enclosed(private_key: bytes) -> Callable[[bytes], Signature]:
    def sign(digest: bytes) -> Signature:
        return _sign(private_key, digest)

    return sign


def _sign(private_key: bytes, digest: bytes) -> Signature:
    import coincurve

    if len(digest) != HASH_SIZE_BYTES:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
    # libsecp256k1: deterministic nonce (RFC 6979), low s, recovery id in the last byte.
    compact = coincurve.PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return Signature(27 + compact[64], int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:64], "big"))


def _address_of_key(private_key: bytes) -> str:
    import coincurve

    if len(private_key) != KEY_SIZE_BYTES:
        raise SigningKeyInvalid
    try:
        key = coincurve.PrivateKey(private_key)
    except ValueError:
        # Not chained: nothing of the failing call, its arguments least of all, belongs into a traceback.
        raise SigningKeyInvalid from None
    return address_of(key.public_key.format(compressed=False))
