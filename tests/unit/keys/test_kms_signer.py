"""Signatures by a key service: what it answers is made what contracts take, and nothing else is."""

from collections.abc import Callable

import coincurve
import pytest
from eth_keys import keys  # type: ignore[attr-defined]  # it exports them without saying so
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.evm.fees import Fees
from kernel.evm.transactions import (
    SECP256K1_ORDER,
    Signature,
    SignatureMismatch,
    UnsignedTransaction,
    recovered_address,
)
from kernel.keys.evm import KmsSigner, LocalSigner, recoverable
from kernel.keys.kms import SigningAlgorithm, SigningKeyUnavailable
from kernel.keys.solana import KmsSolanaSigner, LocalSolanaSigner, SolanaSignatureMismatch
from kernel.testing import InMemoryKms

pytestmark = pytest.mark.unit

DIGEST = bytes(range(32))
SECRET = bytes([7] * 32)


def der(r: int, s: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(r, s)


class Answering:
    """A key service that signs with a known key and then changes its answer."""

    def __init__(self, change: Callable[[Signature], bytes], public_key: bytes = b"") -> None:
        self.change, self.answer_key = change, public_key
        self.asked: list[SigningAlgorithm] = []

    def public_key(self, key_id: str) -> bytes:
        return self.answer_key

    def sign(self, key_id: str, message: bytes, algorithm: SigningAlgorithm) -> bytes:
        self.asked.append(algorithm)
        return self.change(LocalSigner(SECRET).sign_digest(message))


def signer(change: Callable[[Signature], bytes], address: str | None = None) -> KmsSigner:
    return KmsSigner(Answering(change), "key", address or LocalSigner(SECRET).address)


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.integers(min_value=1, max_value=SECP256K1_ORDER - 1), st.booleans())
def test_either_half_becomes_the_signature_of_libsecp256k1(digest: bytes, key: int, upper: bool) -> None:
    """s in the lower half and the right v, whichever s the service gives."""
    secret = key.to_bytes(32, "big")
    expected = LocalSigner(secret).sign_digest(digest)
    s = SECP256K1_ORDER - expected.s if upper else expected.s

    assert recoverable(digest, expected.r, s, LocalSigner(secret).address) == expected


def test_signatures_of_the_service_recover_to_its_address() -> None:
    """By eth_keys, which shares no code with coincurve; s is always low, and both parities come up."""
    kms = InMemoryKms(signing_key_ids=["wallet"])
    wallet = KmsSigner(kms, "wallet")
    parities = set()
    for number in range(24):
        digest = number.to_bytes(32, "big")
        signature = wallet.sign_digest(digest)
        foreign = keys.Signature(vrs=(signature.y_parity, signature.r, signature.s))
        parities.add(signature.y_parity)

        assert foreign.recover_public_key_from_msg_hash(digest).to_checksum_address() == wallet.address
        assert signature.s <= SECP256K1_ORDER // 2
    assert parities == {0, 1}


def test_a_transaction_is_signed_whole() -> None:
    """Its sender is the key's address."""
    from eth_account import Account

    kms = InMemoryKms(signing_key_ids=["wallet"])
    payload = UnsignedTransaction(
        chain_id=14,
        nonce=3,
        to="0x" + "11" * 20,
        value_wei=5,
        data=b"",
        gas_limit=21_000,
        fees=Fees(max_fee_wei=30, tip_wei=2),
    )
    wallet = KmsSigner(kms, "wallet")

    assert Account.recover_transaction(wallet.sign_transaction(payload).raw) == wallet.address


def test_the_public_key_is_asked_for_once_and_only_when_needed() -> None:
    """A known address needs none; an unknown one is read once."""

    class Counting(InMemoryKms):
        asked = 0

        def public_key(self, key_id: str) -> bytes:
            self.asked += 1
            return super().public_key(key_id)

    kms = Counting(signing_key_ids=["wallet"])
    wallet = KmsSigner(kms, "wallet")
    address = wallet.address
    wallet.sign_digest(DIGEST)
    KmsSigner(kms, "wallet", address.lower()).sign_digest(DIGEST)

    assert kms.asked == 1


def malformed() -> dict[str, Callable[[Signature], bytes]]:
    return {
        "nothing": lambda _: b"",
        "not DER": lambda it: it.to_bytes(),
        "cut": lambda it: der(it.r, it.s)[:-1],
        "with a byte behind it": lambda it: der(it.r, it.s) + b"\x00",
        "r with a needless zero": lambda it: _padded(it.r, it.s),
        "r is zero": lambda it: der(0, it.s),
        "s is zero": lambda it: der(it.r, 0),
        "s is the order": lambda it: der(it.r, SECP256K1_ORDER),
        "s beyond the order": lambda it: der(it.r, it.s + SECP256K1_ORDER),
        "r beyond the order": lambda it: der(it.r + SECP256K1_ORDER, it.s),
        "of another digest": lambda it: der(it.r, it.s - 1),
    }


def _padded(r: int, s: int) -> bytes:
    """DER but for a zero byte before r that its sign does not need."""

    def number(value: int, extra: bytes = b"") -> bytes:
        plain = value.to_bytes((value.bit_length() + 8) // 8, "big")
        return b"\x02" + bytes([len(extra + plain)]) + extra + plain

    body = number(r, b"\x00") + number(s)
    return b"\x30" + bytes([len(body)]) + body


@pytest.mark.parametrize("name", list(malformed()))
def test_what_is_no_signature_of_the_address_is_refused(name: str) -> None:
    """Strict DER, numbers within the order, and recovery to the address."""
    with pytest.raises(SignatureMismatch):
        signer(malformed()[name]).sign_digest(DIGEST)


def test_a_key_of_another_address_signs_nothing() -> None:
    """The settings name the wrong key, or the key was exchanged."""
    other = LocalSigner(bytes([8] * 32)).address

    with pytest.raises(SignatureMismatch):
        signer(lambda it: der(it.r, it.s), other).sign_digest(DIGEST)


def test_only_digests_are_signed() -> None:
    """Anything but 32 bytes never reaches the service."""
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        signer(lambda it: der(it.r, it.s)).sign_digest(DIGEST[:31])


def foreign_keys() -> dict[str, bytes]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "another curve": ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*spki),
        "RSA": rsa.generate_private_key(65_537, 2_048).public_key().public_bytes(*spki),
        "Ed25519": ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*spki),
        "no key": b"0",
    }


@pytest.mark.parametrize("name", ["another curve", "RSA", "Ed25519", "no key"])
def test_a_key_of_another_kind_is_refused(name: str) -> None:
    """With the key's name and the reason."""
    with pytest.raises(SigningKeyUnavailable) as refused:
        KmsSigner(Answering(lambda it: b"", foreign_keys()[name]), "key").address  # noqa: B018

    assert refused.value.details["key_id"] == "key"


def test_the_address_of_a_public_key() -> None:
    """As libsecp256k1 and our own signer have it."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    number = int.from_bytes(SECRET, "big")
    public_key = ec.derive_private_key(number, ec.SECP256K1()).public_key()
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert KmsSigner(Answering(lambda it: b"", spki), "key").address == LocalSigner(SECRET).address
    assert coincurve.PublicKey.from_secret(SECRET).format(False)[1:] in spki


class Ed25519Kms:
    """A stand-in for KMS' Ed25519 keys, which moto does not have."""

    def __init__(self, seed: bytes, signs_with: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._signer = Ed25519PrivateKey.from_private_bytes(signs_with or seed)

    def public_key(self, key_id: str) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, key_id: str, message: bytes, algorithm: SigningAlgorithm) -> bytes:
        assert algorithm is SigningAlgorithm.ED25519
        return self._signer.sign(message)


def test_a_solana_key_of_the_service_signs_like_its_seed() -> None:
    """Ed25519 is deterministic, so the bytes are the same; address and signature are checked."""
    local, wallet = LocalSolanaSigner(SECRET), KmsSolanaSigner(Ed25519Kms(SECRET), "key")

    assert (wallet.address, wallet.sign(b"message")) == (local.address, local.sign(b"message"))
    with pytest.raises(SolanaSignatureMismatch):
        KmsSolanaSigner(Ed25519Kms(SECRET, signs_with=bytes(32)), "key").sign_message(b"message")
    with pytest.raises(SigningKeyUnavailable):
        KmsSolanaSigner(Answering(lambda it: b"", foreign_keys()["another curve"]), "key").address  # noqa: B018


def test_recovery_finds_the_signer_and_nobody_else() -> None:
    """The other parity leads to another address."""
    signature = LocalSigner(SECRET).sign_digest(DIGEST)
    other = signature._replace(v=55 - signature.v)

    assert recovered_address(DIGEST, other) != LocalSigner(SECRET).address
