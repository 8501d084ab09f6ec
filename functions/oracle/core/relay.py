"""Owns the call that finalises a round on the Relay contract.

    selector 4 B | signing policy | message 38 B | count 2 B | { v 1 B | r 32 B | s 32 B | index 2 B }*, index ascending

The contract recovers each signer, adds up the weights by the policy and accepts when they are *above* the threshold.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from functions.oracle.core.message import MESSAGE_SIZE_BYTES, MessageMalformed
from functions.oracle.core.payload import RELAY, SELECTOR_SIZE_BYTES
from functions.oracle.core.signature import (
    SIGNATURE_SIZE_BYTES,
    IndexedSignature,
    decode_signature,
    encode_signature,
)
from functions.oracle.core.signing_policy import (
    SigningPolicy,
    encode_signing_policy,
    encoded_size_bytes,
    signing_policy_hash,
)
from kernel.errors import Invalid

__all__ = [
    "RelayCall",
    "SignaturesUnordered",
    "decode_relay",
    "encode_relay",
    "enough_signatures",
    "signing_policy_hash",
]

_INDEX_SIZE_BYTES: Final = 2
_COUNT_SIZE_BYTES: Final = 2


class SignaturesUnordered(Invalid):
    """The signatures of a relay call ascend by their index, each index once."""

    cause = "Two signatures share an index, or are not in ascending order."
    remedy = "Take them from signature.recognise."


class RelayCall(NamedTuple):
    """What a relay transaction says."""

    signing_policy: bytes
    message: bytes
    signatures: tuple[IndexedSignature, ...]


def encode_relay(policy: SigningPolicy | bytes, message: bytes, signatures: Sequence[IndexedSignature]) -> bytes:
    """The calldata that relays an encoded message (38 bytes) under a signing policy.

    Raises MessageMalformed, SignaturesUnordered.
    """
    if len(message) != MESSAGE_SIZE_BYTES:
        raise MessageMalformed(length=len(message))
    positions = [signature.position for signature in signatures]
    if any(position >= following for position, following in pairwise(positions)):
        raise SignaturesUnordered

    signed = b"".join(
        encode_signature(signature) + position.to_bytes(_INDEX_SIZE_BYTES, "big") for position, signature in signatures
    )
    encoded = policy if isinstance(policy, bytes) else encode_signing_policy(policy)
    return RELAY + encoded + message + len(positions).to_bytes(_COUNT_SIZE_BYTES, "big") + signed


def decode_relay(calldata: bytes) -> RelayCall | None:
    """What a relay transaction of a round's message says, or None where its framing is broken. Never raises."""
    policy_end = SELECTOR_SIZE_BYTES + encoded_size_bytes(calldata[SELECTOR_SIZE_BYTES:])
    count_at = policy_end + MESSAGE_SIZE_BYTES
    rows_at = count_at + _COUNT_SIZE_BYTES
    row_size_bytes = SIGNATURE_SIZE_BYTES + _INDEX_SIZE_BYTES
    count = int.from_bytes(calldata[count_at:rows_at], "big")
    if calldata[:SELECTOR_SIZE_BYTES] != RELAY or len(calldata) != rows_at + count * row_size_bytes:
        return None
    rows = [calldata[at : at + row_size_bytes] for at in range(rows_at, len(calldata), row_size_bytes)]
    return RelayCall(
        signing_policy=calldata[SELECTOR_SIZE_BYTES:policy_end],
        message=calldata[policy_end:count_at],
        signatures=tuple(
            IndexedSignature(int.from_bytes(row[SIGNATURE_SIZE_BYTES:], "big"), decode_signature(row)) for row in rows
        ),
    )


def enough_signatures(
    policy: SigningPolicy, signatures: Iterable[IndexedSignature], threshold: int
) -> tuple[IndexedSignature, ...] | None:
    """The fewest signatures whose weight is above the threshold, ascending by index; None while there are not enough.

    The heaviest come first, because each signature costs gas.
    """
    chosen: list[IndexedSignature] = []
    weight = 0
    for signature in sorted(signatures, key=lambda s: (-policy.weights[s.position], s.position)):
        if weight > threshold:
            break
        chosen.append(signature)
        weight += policy.weights[signature.position]
    return tuple(sorted(chosen)) if weight > threshold else None
