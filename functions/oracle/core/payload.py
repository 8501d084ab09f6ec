"""Owns the framing of submissions: how messages lie in a transaction's calldata, and which of several counts.

    calldata = selector 4 B | { protocol id 1 B | voting round 4 B | length 2 B | payload }*

A transaction whose framing is broken is discarded whole. Of all messages of a voter, the last one, in chain order, that
has the right protocol and round and decodes is the one that counts. Nothing here raises on what others wrote.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeVar

from kernel.errors import Invalid

Decoded = TypeVar("Decoded")

FTSO_PROTOCOL_ID: Final = 100

SELECTOR_SIZE_BYTES: Final = 4
SUBMIT1: Final = bytes.fromhex("6c532fae")
SUBMIT2: Final = bytes.fromhex("9d00c9fd")
SUBMIT3: Final = bytes.fromhex("e1b157e7")
SUBMIT_SIGNATURES: Final = bytes.fromhex("57eed580")
RELAY: Final = bytes.fromhex("b59589d1")

_HEAD_SIZE_BYTES: Final = 7
_PAYLOAD_SIZE_BYTES_MAX: Final = 0xFFFF


class PayloadTooLong(Invalid):
    """A message carries at most 65,535 bytes of payload."""

    cause = "The length field of a message has two bytes."
    remedy = "Send a shorter payload."


class Message(NamedTuple):
    """One message of a submission."""

    protocol_id: int
    voting_round: int
    payload: bytes


def encode_message(protocol_id: int, voting_round: int, payload: bytes) -> bytes:
    """One framed message, without a selector. Raises PayloadTooLong, and OverflowError for numbers past their field."""
    if len(payload) > _PAYLOAD_SIZE_BYTES_MAX:
        raise PayloadTooLong(length=len(payload))
    return protocol_id.to_bytes(1, "big") + voting_round.to_bytes(4, "big") + len(payload).to_bytes(2, "big") + payload


def encode_calldata(selector: bytes, *messages: Message) -> bytes:
    """A whole submission: what to send to the Submission contract."""
    return selector + b"".join(encode_message(*message) for message in messages)


def parse_calldata(data: bytes) -> list[Message]:
    """The messages of a submission in their order; broken framing gives none at all. Never raises."""
    messages = []
    position = SELECTOR_SIZE_BYTES
    while position < len(data):
        start = position + _HEAD_SIZE_BYTES
        head = data[position:start]
        position = start + int.from_bytes(head[5:7], "big")
        # A head that is cut short ends past the end as well.
        if position > len(data):
            return []
        messages.append(Message(head[0], int.from_bytes(head[1:5], "big"), bytes(data[start:position])))
    return messages


def calldata_from_hex(text: str) -> bytes:
    """Calldata from an RPC's or indexer's text; empty when it is no whole number of hexadecimal bytes. Never raises."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""


def last_valid(
    messages: Iterable[Message], voting_round: int, decode: Callable[[bytes], Decoded | None]
) -> Decoded | None:
    """The last of a voter's messages that is for this protocol and round and that `decode` accepts, decoded.

    `messages` come in chain order, over all transactions of the voter.
    """
    chosen = None
    for message in messages:
        if message.protocol_id == FTSO_PROTOCOL_ID and message.voting_round == voting_round:
            decoded = decode(message.payload)
            chosen = chosen if decoded is None else decoded
    return chosen
