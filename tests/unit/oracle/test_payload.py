"""The framing of submissions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.fsp.messaging import parse_generic_tx

from functions.oracle.core.payload import (
    FTSO_PROTOCOL_ID,
    RELAY,
    SUBMIT1,
    SUBMIT2,
    SUBMIT3,
    SUBMIT_SIGNATURES,
    Message,
    PayloadTooLong,
    calldata_from_hex,
    encode_calldata,
    encode_message,
    last_valid,
    parse_calldata,
)
from tests.unit.oracle.facts import protocol, unhex

pytestmark = pytest.mark.unit

MESSAGES = st.lists(
    st.builds(Message, st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=80)), max_size=5
)


def test_the_published_selectors() -> None:
    """The first four bytes of each call."""
    selectors = {
        "submit1()": SUBMIT1,
        "submit2()": SUBMIT2,
        "submit3()": SUBMIT3,
        "submitSignatures()": SUBMIT_SIGNATURES,
        "relay()": RELAY,
    }

    assert {name: unhex(text) for name, text in protocol()["selectors"].items()} == selectors


@given(MESSAGES)
def test_messages_come_back_out_of_their_calldata(messages: list[Message]) -> None:
    """In their order, any number of them."""
    assert messages == parse_calldata(encode_calldata(SUBMIT1, *messages))


@given(st.integers(0, 2**32 - 1), st.binary(max_size=200))
def test_calldata_reads_the_same_to_flares_own_python(voting_round: int, payload: bytes) -> None:
    """Theirs wants the calldata without its selector."""
    framed = encode_message(FTSO_PROTOCOL_ID, voting_round, payload)
    theirs = parse_generic_tx(framed).ftso

    assert theirs is not None
    assert [(100, theirs.voting_round_id, theirs.payload)] == parse_calldata(SUBMIT2 + framed)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    """And what it finds is exactly what was there."""
    found = parse_calldata(data)

    assert not found or data == encode_calldata(data[:4], *found)


@given(MESSAGES.filter(bool), st.data())
def test_a_truncated_tail_discards_the_transaction_whole(messages: list[Message], data: st.DataObject) -> None:
    """Unless the cut falls between two messages, where nothing shows that something is gone."""
    calldata = encode_calldata(SUBMIT1, *messages)
    size = data.draw(st.integers(4, len(calldata) - 1))
    whole = [messages[:count] for count in range(len(messages))]

    found = parse_calldata(calldata[:size])

    assert found == [] or found in whole


def test_a_length_past_the_end_discards_the_messages_before_it_too() -> None:
    """One broken frame spoils the transaction."""
    good = encode_message(100, 7, b"good")
    broken = b"\x64" + bytes(4) + b"\x00\x05" + b"four"

    assert [] == parse_calldata(SUBMIT1 + good + broken)
    assert [Message(100, 7, b"good")] == parse_calldata(SUBMIT1 + good)


@pytest.mark.parametrize("size", range(1, 7))
def test_a_frame_without_a_whole_head_is_broken(size: int) -> None:
    """Protocol, round and length are 7 bytes."""
    assert [] == parse_calldata(SUBMIT1 + bytes(size))


@pytest.mark.parametrize("data", [b"", b"\x6c", SUBMIT1])
def test_calldata_without_messages_is_empty(data: bytes) -> None:
    """Nothing, half a selector, or a selector alone."""
    assert [] == parse_calldata(data)


def test_a_message_may_be_as_long_as_its_length_field_can_say() -> None:
    """65,535 bytes, and no more."""
    longest = Message(100, 1, bytes(0xFFFF))

    assert [longest] == parse_calldata(encode_calldata(SUBMIT1, longest))
    with pytest.raises(PayloadTooLong):
        encode_message(100, 1, bytes(0x10000))


def test_a_frame_is_seven_bytes_and_the_payload() -> None:
    """protocol | round | length | payload, big-endian."""
    assert unhex("64 000c6620 0002 abcd".replace(" ", "")) == encode_message(100, 812_576, unhex("abcd"))


@pytest.mark.parametrize("text", ["0x6c5", "6c5", "0xzz", "no hex"])
def test_odd_or_foreign_text_is_no_calldata(text: str) -> None:
    """An indexer's mistake costs its transaction, not the round."""
    assert b"" == calldata_from_hex(text)


def test_text_becomes_calldata() -> None:
    """With or without 0x."""
    assert SUBMIT1 == calldata_from_hex("0x6c532fae") == calldata_from_hex("6c532fae")


def accept_even(payload: bytes) -> int | None:
    return len(payload) if len(payload) % 2 == 0 else None


def test_the_last_message_that_decodes_counts() -> None:
    """A later one that does not decode leaves the earlier one standing."""
    messages = [Message(100, 7, b"ab"), Message(100, 7, b"abcd"), Message(100, 7, b"abc")]

    assert 4 == last_valid(messages, 7, accept_even)


def test_messages_of_other_protocols_and_rounds_do_not_count() -> None:
    """Protocol 200 is another one; round 8 is not asked for."""
    messages = [Message(100, 7, b"ab"), Message(200, 7, b"abcd"), Message(100, 8, b"abcdef")]

    assert 2 == last_valid(messages, 7, accept_even)
    assert last_valid(messages, 9, accept_even) is None


def test_a_decoded_value_that_is_empty_still_counts() -> None:
    """Only None means that it does not decode."""
    assert 0 == last_valid([Message(100, 7, b"ab"), Message(100, 7, b"")], 7, accept_even)
