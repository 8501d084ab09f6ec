"""Solana signers beside solders: addresses, signatures, and what is refused without being shown."""

import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair

from kernel.keys.envelope import Envelope
from kernel.keys.kms import WrongContext
from kernel.keys.solana import (
    EnvelopeSolanaSigner,
    LocalSolanaSigner,
    SolanaAddressInvalid,
    SolanaKeyInvalid,
    SolanaSignatureMismatch,
    checked_address,
    seal_seed,
    verify_message,
)
from kernel.testing import InMemoryKms

pytestmark = pytest.mark.unit

SEED = bytes([7] * 32)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_signatures_equal_those_of_solders(seed: bytes, message: bytes) -> None:
    """Address and signature, byte for byte."""
    ours, theirs = LocalSolanaSigner(seed), Keypair.from_seed(seed)

    assert ours.address == str(theirs.pubkey())
    assert ours.sign_message(message) == bytes(theirs.sign_message(message))
    verify_message(message, ours.sign_message(message), ours.address)


def test_a_sealed_seed_signs_as_itself() -> None:
    """For its purpose, chain and address; nowhere else."""
    envelope = Envelope(InMemoryKms(("key",)), "key")
    address, blob = seal_seed(envelope, SEED, purpose="treasury", chain="solana:devnet")
    signer = EnvelopeSolanaSigner(envelope, blob, purpose="treasury", chain="solana:devnet", address=address)
    thief = EnvelopeSolanaSigner(envelope, blob, purpose="treasury", chain="solana:mainnet", address=address)

    assert SEED not in blob
    assert signer.sign(b"message") == LocalSolanaSigner(SEED).sign(b"message")
    with pytest.raises(WrongContext):
        thief.sign_message(b"message")


def test_a_blob_with_another_seed_is_refused() -> None:
    """Whoever may seal cannot pass off their key as that of an address."""
    envelope = Envelope(InMemoryKms(("key",)), "key")
    address = LocalSolanaSigner(SEED).address
    forged = envelope.seal(bytes([8] * 32), purpose="treasury", chain="solana:devnet", address=address)
    signer = EnvelopeSolanaSigner(envelope, forged, purpose="treasury", chain="solana:devnet", address=address)

    with pytest.raises(SolanaKeyInvalid):
        signer.sign_message(b"message")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    """A wallet's file of 64 is refused too, and no error shows the bytes, nor any variable of its frames below us."""
    wrong = bytes([0xAB] * size)
    with pytest.raises(SolanaKeyInvalid) as refused:
        LocalSolanaSigner(wrong)

    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack
    shown = [str(frame.locals) for frame in frames if "kernel/keys" in frame.filename]
    assert shown != []
    assert [text for text in shown if "\\xab" in text] == []


def test_no_form_of_a_signer_shows_its_seed() -> None:
    """repr, attributes; and it is not copied out of its process."""
    signer = LocalSolanaSigner(SEED)
    shown = f"{signer!r} {[getattr(signer, name) for name in type(signer).__slots__]!r}"

    assert [form for form in (repr(SEED)[2:-1], SEED.hex(), str(list(SEED))) if form in shown] == []
    with pytest.raises(TypeError):
        pickle.dumps(signer)


@pytest.mark.parametrize(
    "address", ["", "0x" + "11" * 20, "1" * 31, "1" * 33, "O" * 40, "Vote111111111111111111111111111111111111111" + "1"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """32 bytes in base58 and nothing else."""
    with pytest.raises(SolanaAddressInvalid):
        checked_address(address)


def test_a_signature_is_of_its_message_and_its_address() -> None:
    """Another message, another address, a cut or altered signature: refused."""
    signer, other = LocalSolanaSigner(SEED), LocalSolanaSigner(bytes([8] * 32))
    signature = signer.sign_message(b"message")
    altered = bytes([signature[0] ^ 1]) + signature[1:]
    for message, given_, address in (
        (b"other", signature, signer.address),
        (b"message", signature, other.address),
        (b"message", signature[:-1], signer.address),
        (b"message", altered, signer.address),
        (b"message", b"", signer.address),
    ):
        with pytest.raises(SolanaSignatureMismatch):
            verify_message(message, given_, address)
