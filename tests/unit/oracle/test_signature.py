"""Deposited signatures."""

import pytest
from eth_account import Account
from eth_keys.datatypes import Signature as KeySignature
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.fsp.messaging import parse_submit_signature_tx

from functions.oracle.core.message import (
    ProtocolMessage,
    decode_protocol_message,
    encode_protocol_message,
    signing_digest,
)
from functions.oracle.core.payload import SUBMIT_SIGNATURES, Message, encode_calldata, parse_calldata
from functions.oracle.core.signature import (
    IndexedSignature,
    Signature,
    SignaturePayload,
    decode_signature_payload,
    encode_signature_payload,
    recognise,
)
from tests.unit.oracle.facts import protocol, unhex

pytestmark = pytest.mark.unit

REAL = unhex(protocol()["real_calldata"]["submitSignatures_type0_flare_812662"])
WORDS = st.integers(0, 2**256 - 1)
SIGNATURES = st.builds(Signature, st.sampled_from([27, 28]), WORDS, WORDS)
MESSAGES = st.builds(
    ProtocolMessage, st.integers(0, 2**32 - 1), st.booleans(), st.binary(min_size=32, max_size=32), st.just(100)
)
MESSAGE = encode_protocol_message(ProtocolMessage(7, True, bytes(32)))
ACCOUNTS = [Account.from_key(bytes([number]) * 32) for number in (1, 2, 3)]
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
POSITIONS = {account.address.lower(): position for position, account in enumerate(ACCOUNTS)}


def sign(account: int, message: bytes = MESSAGE) -> SignaturePayload:
    signed = ACCOUNTS[account].unsafe_sign_hash(signing_digest(message))
    return SignaturePayload(1, Signature(signed.v, signed.r, signed.s))


def recover(digest: bytes, signature: Signature) -> str | None:
    try:
        key = KeySignature(vrs=(signature.v - 27, signature.r, signature.s)).recover_public_key_from_msg_hash(digest)
    except Exception:
        return None
    return str(key.to_checksum_address())


@given(SIGNATURES, st.binary(max_size=40))
def test_a_bare_deposit_comes_back_out_of_its_payload(signature: Signature, unsigned: bytes) -> None:
    """Type 1, with whatever follows the signature."""
    deposit = SignaturePayload(1, signature, None, unsigned)

    assert deposit == decode_signature_payload(encode_signature_payload(deposit))


@given(SIGNATURES, MESSAGES, st.binary(max_size=40))
def test_a_deposit_with_its_message_comes_back_out_of_its_payload(
    signature: Signature, message: ProtocolMessage, unsigned: bytes
) -> None:
    """Type 0, still read."""
    deposit = SignaturePayload(0, signature, message, unsigned)

    assert deposit == decode_signature_payload(encode_signature_payload(deposit))


@given(SIGNATURES, st.none() | MESSAGES, st.binary(max_size=40))
def test_a_deposit_reads_the_same_to_flares_own_python(
    signature: Signature, message: ProtocolMessage | None, unsigned: bytes
) -> None:
    """Both types."""
    deposit = SignaturePayload(1 if message is None else 0, signature, message, unsigned)
    calldata = encode_calldata(SUBMIT_SIGNATURES, Message(100, 7, encode_signature_payload(deposit)))
    parsed = parse_submit_signature_tx(calldata[4:]).ftso

    assert parsed is not None
    theirs = parsed.payload
    assert theirs.type == deposit.type
    assert tuple(int(word, 16) for word in (theirs.signature.v, theirs.signature.r, theirs.signature.s)) == signature
    assert theirs.unsigned_message == unsigned
    assert (theirs.message is None) == (message is None)
    assert theirs.message is None or message is None or theirs.message.merkle_root == message.merkle_root.hex()


def test_the_real_deposit_of_flare_round_812662_decodes_and_encodes_again() -> None:
    """Type 0 from mainnet, byte for byte."""
    (message,) = parse_calldata(REAL)
    deposit = decode_signature_payload(message.payload)

    assert deposit is not None
    assert (0, 812_662, 28) == (deposit.type, message.voting_round, deposit.signature.v)
    assert deposit.message == decode_protocol_message(message.payload[1:39])
    assert REAL == encode_calldata(SUBMIT_SIGNATURES, message._replace(payload=encode_signature_payload(deposit)))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\1" + bytes(64),  # one byte short
        b"\0" + bytes(102),
        b"\2" + bytes(65),  # no such type
        b"\0" + bytes(5) + b"\7" + bytes(97),  # a message with a flag of 7
    ],
)
def test_what_is_no_deposit_is_refused(payload: bytes) -> None:
    """Too short, of an unknown type, or with a malformed message."""
    assert decode_signature_payload(payload) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_raise(payload: bytes) -> None:
    """And what it reads is what was there."""
    deposit = decode_signature_payload(payload)

    assert deposit is None or payload == encode_signature_payload(deposit)


def test_signatures_are_recognised_by_position_ascending() -> None:
    """Whatever the order of the deposits."""
    deposits = [sign(2), sign(0)]

    found = recognise(deposits, signing_digest(MESSAGE), POSITIONS, recover)

    assert [IndexedSignature(0, deposits[1].signature), IndexedSignature(2, deposits[0].signature)] == found


def test_a_signature_of_another_message_or_of_nobody_is_left_out() -> None:
    """It recovers to some other address, or to none."""
    other = encode_protocol_message(ProtocolMessage(8, True, bytes(32)))
    deposits = [sign(0, other), SignaturePayload(1, Signature(27, 0, 0)), sign(1)]

    found = recognise(deposits, signing_digest(MESSAGE), POSITIONS, recover)

    assert [1] == [signature.position for signature in found]


def test_a_voter_that_deposits_twice_counts_once_with_its_first() -> None:
    """Weight is counted per voter; the first valid signature stays."""
    first = sign(0)
    # The same point with the other parity is a valid signature of the same voter too.
    v, r, s = first.signature
    mirrored = SignaturePayload(1, Signature(55 - v, r, CURVE_ORDER - s))
    assert ACCOUNTS[0].address == recover(signing_digest(MESSAGE), mirrored.signature)

    found = recognise([first, mirrored], signing_digest(MESSAGE), POSITIONS, recover)

    assert [IndexedSignature(0, first.signature)] == found
