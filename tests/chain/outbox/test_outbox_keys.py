"""Canary: a known private key is looked for in everything that the outbox writes or says."""

import logging
import pickle
import traceback

import pytest

from kernel.keys.envelope import Envelope
from kernel.keys.evm import EnvelopeSigner, LocalSigner, SigningKeyInvalid, seal_key
from kernel.keys.kms import WrongContext
from kernel.outbox.evm import State
from kernel.testing import InMemoryKms
from tests.chain.outbox.desk import Desk

pytestmark = pytest.mark.chain

CANARY = bytes.fromhex("c0ffee" * 10 + "c0de")
KEY_ID = "alias/counterpart"


def traces(key: bytes) -> list[str]:
    """The forms in which a careless program writes a key."""
    decimal = [str(int.from_bytes(key, "big"))] if any(key) else []  # a bare 0 is everywhere
    return [key.hex(), key.hex().upper(), *decimal, repr(key), str(list(key))]


def sealed_signer(kms: InMemoryKms | None = None, purpose: str = "submit") -> EnvelopeSigner:
    envelope = Envelope(kms or InMemoryKms([KEY_ID]), KEY_ID)
    address, blob = seal_key(envelope, CANARY, purpose=purpose, chain="31337")
    assert CANARY not in blob
    return EnvelopeSigner(envelope, blob, purpose=purpose, chain="31337", address=address)


def test_an_envelope_signer_pays_and_its_key_is_nowhere(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Logs at DEBUG, standard output, the tables: neither the key nor the data key that sealed it is in any of them."""
    caplog.set_level(logging.DEBUG)
    kms = InMemoryKms([KEY_ID])
    signer = sealed_signer(kms)
    desk.private_key, desk.signer = b"", LocalSigner(CANARY)
    desk.fund(signer.address)
    outbox = desk.outbox(signer=signer)
    with desk.postgres.transaction() as tx:
        outbox.record(tx, desk.intent("pay-1"))
    for _ in range(2):
        desk.step("pay-1", outbox)
        desk.node.wait_until_mined()

    assert desk.entry("pay-1").state == State.CONFIRMED
    tables = ("kernel.evm_outbox", "kernel.evm_payloads", "kernel.evm_nonces", "kernel.tasks", "kernel.task_attempts")
    written = [str(desk.rows(f"select t::text as line from {table} t")) for table in tables]
    said = [caplog.text, *capfd.readouterr()]
    secrets = [CANARY, *kms.data_keys]
    assert len(secrets) == 2
    found = [trace for key in secrets for trace in traces(key) for text in written + said if trace in text]
    assert found == []


def test_no_form_of_a_signer_shows_its_key() -> None:
    """repr, str, attributes, pickle."""
    for signer in (LocalSigner(CANARY), sealed_signer()):
        attributes = [getattr(signer, name) for name in type(signer).__slots__]
        shown = f"{signer!r} {signer} {attributes!r}"

        assert [trace for trace in traces(CANARY) if trace in shown] == []
        assert CANARY not in attributes
    with pytest.raises(TypeError):
        pickle.dumps(LocalSigner(CANARY))


def test_a_wrong_key_is_refused_without_showing_it() -> None:
    """Too long, too short, zero, above the order: the error names none of it."""
    for wrong in (CANARY + b"\x01", CANARY[:31], bytes(32), b"\xff" * 32):
        with pytest.raises(SigningKeyInvalid) as refused:
            LocalSigner(wrong)
        told = "".join(traceback.format_exception(refused.value))
        assert [trace for trace in traces(wrong) if trace in told] == []


def test_a_key_sealed_for_another_purpose_does_not_open() -> None:
    """The envelope is bound to purpose, chain and address."""
    envelope = Envelope(InMemoryKms([KEY_ID]), KEY_ID)
    address, blob = seal_key(envelope, CANARY, purpose="submit", chain="14")
    thief = EnvelopeSigner(envelope, blob, purpose="submit", chain="19", address=address)

    with pytest.raises(WrongContext) as refused:
        thief.sign_digest(b"\x01" * 32)
    told = "".join(traceback.format_exception(refused.value))
    assert [trace for trace in traces(CANARY) if trace in told] == []


def test_a_failing_signature_does_not_show_the_key(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """An error in the middle of signing is logged with its traceback by whoever catches it."""
    signer = LocalSigner(CANARY)
    try:
        signer.sign_digest(b"short")
    except ValueError:
        logging.getLogger("somebody").exception("signing failed")

    assert "a digest has 32 bytes, not 5" in caplog.text
    assert [trace for trace in traces(CANARY) if trace in caplog.text] == []
