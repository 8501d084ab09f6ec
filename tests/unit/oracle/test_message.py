"""The message that voters sign."""

import pytest
from eth_account.messages import _hash_eip191_message, encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.message import (
    MessageMalformed,
    ProtocolMessage,
    decode_protocol_message,
    encode_protocol_message,
    signing_digest,
)
from kernel.hashes import keccak256
from tests.unit.oracle.facts import unhex

pytestmark = pytest.mark.unit

MESSAGES = st.builds(
    ProtocolMessage, st.integers(0, 2**32 - 1), st.booleans(), st.binary(min_size=32, max_size=32), st.integers(0, 255)
)


@given(MESSAGES)
def test_a_message_comes_back_out_of_its_38_bytes(message: ProtocolMessage) -> None:
    """Encoding and decoding are inverse."""
    encoded = encode_protocol_message(message)

    assert 38 == len(encoded)
    assert message == decode_protocol_message(encoded)


def test_the_layout_of_a_message() -> None:
    """protocol | round | secure | root."""
    assert unhex("64000c662001" + "ab" * 32) == encode_protocol_message(ProtocolMessage(812_576, True, b"\xab" * 32))


@given(MESSAGES)
def test_the_digest_is_eip_191_over_the_messages_hash(message: ProtocolMessage) -> None:
    """Against the wallet library's own."""
    encoded = encode_protocol_message(message)

    assert _hash_eip191_message(encode_defunct(keccak256(encoded))) == signing_digest(encoded)


@pytest.mark.parametrize("size", [0, 37, 39])
def test_a_message_of_another_length_is_refused(size: int) -> None:
    """38 bytes exactly."""
    with pytest.raises(MessageMalformed):
        decode_protocol_message(bytes(size))


def test_a_flag_that_is_neither_yes_nor_no_is_refused() -> None:
    """2 is not a truth value."""
    with pytest.raises(MessageMalformed):
        decode_protocol_message(bytes(5) + b"\2" + bytes(32))


@pytest.mark.parametrize("size", [31, 33])
def test_a_root_of_another_length_is_refused(size: int) -> None:
    """32 bytes exactly."""
    with pytest.raises(MessageMalformed):
        encode_protocol_message(ProtocolMessage(1, True, bytes(size)))
