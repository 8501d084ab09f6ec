"""Owns the payload of submitSignatures, and whose signatures count for a round's message.

    type 1   01 | v 1 B | r 32 B | s 32 B | unsigned bytes, possibly none
    type 0   00 | message 38 B | v 1 B | r 32 B | s 32 B | unsigned bytes, possibly none     (older, still read)

Recovering an address needs secp256k1, which is a vendor's and has no place in the core: the caller passes `recover`,
a function of (digest, signature) to an address or None, and the adapters wire it to libsecp256k1.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from functions.oracle.core.message import (
    MESSAGE_SIZE_BYTES,
    MessageMalformed,
    ProtocolMessage,
    decode_protocol_message,
    encode_protocol_message,
)

SIGNATURE_SIZE_BYTES: Final = 65
TYPE_WITH_MESSAGE: Final = 0
TYPE_BARE: Final = 1


class Signature(NamedTuple):
    """An ECDSA signature over secp256k1; v is 27 or 28."""

    v: int
    r: int
    s: int


class SignaturePayload(NamedTuple):
    """What a voter deposits for the others: its signature, and with type 0 the message that it signed."""

    type: int
    signature: Signature
    message: ProtocolMessage | None = None
    unsigned: bytes = b""


class IndexedSignature(NamedTuple):
    """A signature beside its signer's position in the signing policy, as the Relay contract wants it."""

    position: int
    signature: Signature


Recover = Callable[[bytes, Signature], str | None]


def encode_signature(signature: Signature) -> bytes:
    """v 1 B | r 32 B | s 32 B."""
    return signature.v.to_bytes(1, "big") + signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big")


def decode_signature(data: bytes) -> Signature:
    """The signature in 65 bytes."""
    return Signature(data[0], int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:65], "big"))


def encode_signature_payload(payload: SignaturePayload) -> bytes:
    """The payload of submitSignatures; with a message it is of type 0, without one of type 1."""
    message = b"" if payload.message is None else encode_protocol_message(payload.message)
    return bytes([payload.type]) + message + encode_signature(payload.signature) + payload.unsigned


def decode_signature_payload(payload: bytes) -> SignaturePayload | None:
    """The deposit in a payload, or None where it is of no known type or too short."""
    if not payload or payload[0] not in (TYPE_WITH_MESSAGE, TYPE_BARE):
        return None
    signature_at = 1 + (MESSAGE_SIZE_BYTES if payload[0] == TYPE_WITH_MESSAGE else 0)
    unsigned_at = signature_at + SIGNATURE_SIZE_BYTES
    if len(payload) < unsigned_at:
        return None
    try:
        message = decode_protocol_message(payload[1:signature_at]) if payload[0] == TYPE_WITH_MESSAGE else None
    except MessageMalformed:
        return None
    return SignaturePayload(
        payload[0], decode_signature(payload[signature_at:unsigned_at]), message, payload[unsigned_at:]
    )


def recognise(
    deposits: Iterable[SignaturePayload], digest: bytes, positions: Mapping[str, int], recover: Recover
) -> list[IndexedSignature]:
    """The deposits that really sign `digest` by a voter of the signing policy, ascending by position, one each.

    positions   lower-case signing-policy address to position
    recover     (digest, signature) to the signer's address, or None where there is none
    """
    found: dict[int, Signature] = {}
    for deposit in deposits:
        signer = recover(digest, deposit.signature)
        position = None if signer is None else positions.get(signer.lower())
        if position is not None:
            found.setdefault(position, deposit.signature)
    return [IndexedSignature(position, found[position]) for position in sorted(found)]
