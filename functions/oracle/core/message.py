"""Owns the message that voters sign at the end of a round.

    message, 38 bytes:  protocol id 1 B | voting round 4 B | is secure random 1 B | Merkle root 32 B

What is signed is the EIP-191 digest of the message's hash, so that no signature can be taken for a transaction's.
"""

from typing import Final, NamedTuple

from functions.oracle.core.payload import FTSO_PROTOCOL_ID
from kernel.errors import Invalid
from kernel.hashes import keccak256

MESSAGE_SIZE_BYTES: Final = 38
_ROOT_SIZE_BYTES: Final = 32
_EIP191_PREFIX: Final = b"\x19Ethereum Signed Message:\n32"


class MessageMalformed(Invalid):
    """A round's message is 38 bytes, with a root of 32 bytes and a flag of 0 or 1."""

    cause = "The bytes do not have the layout of a protocol message."
    remedy = "Encode the message with encode_protocol_message."


class ProtocolMessage(NamedTuple):
    """The outcome of a round as it is signed and relayed."""

    voting_round: int
    is_secure_random: bool
    merkle_root: bytes
    protocol_id: int = FTSO_PROTOCOL_ID


def encode_protocol_message(message: ProtocolMessage) -> bytes:
    """38 bytes. Raises MessageMalformed, and OverflowError for numbers past their field."""
    if len(message.merkle_root) != _ROOT_SIZE_BYTES:
        raise MessageMalformed(root_length=len(message.merkle_root))
    return (
        message.protocol_id.to_bytes(1, "big")
        + message.voting_round.to_bytes(4, "big")
        + bytes([message.is_secure_random])
        + message.merkle_root
    )


def decode_protocol_message(data: bytes) -> ProtocolMessage:
    """The message in 38 bytes. Raises MessageMalformed."""
    if len(data) != MESSAGE_SIZE_BYTES or data[5] > 1:
        raise MessageMalformed(length=len(data))
    return ProtocolMessage(
        protocol_id=data[0],
        voting_round=int.from_bytes(data[1:5], "big"),
        is_secure_random=bool(data[5]),
        merkle_root=data[6:],
    )


def signing_digest(message: bytes) -> bytes:
    """The 32 bytes that the signing-policy key signs for an encoded message."""
    return keccak256(_EIP191_PREFIX + keccak256(message))
