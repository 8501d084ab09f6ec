"""Owns what a round's transactions say: which commit and which reveal of each voter counts.

commit payload = hash 32 B                     in a block of voting epoch j
reveal payload = random 32 B | value vector    in a block of epoch j + 1 before its reveal deadline
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeVar

from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.feed_values import is_well_formed
from functions.oracle.core.payload import (
    SELECTOR_SIZE_BYTES,
    SUBMIT1,
    SUBMIT2,
    SUBMIT_SIGNATURES,
    Message,
    last_valid,
    parse_calldata,
)
from functions.oracle.core.signature import SignaturePayload, decode_signature_payload
from kernel.abi import UINT256_LIMIT, WORD_SIZE_BYTES

Decoded = TypeVar("Decoded")

_RANDOM_SIZE_BYTES: Final = 32


class Submission(NamedTuple):
    """A successful call of the Submission contract, as found in a block."""

    sender: str
    calldata: bytes
    block_time_s: int
    block_number: int
    transaction_index: int


class Reveal(NamedTuple):
    """What a voter reveals: its random number (uint256) and its value vector, as sent."""

    random: int
    feed_values: bytes


def encode_reveal(reveal: Reveal) -> bytes:
    """The payload of submit2."""
    if not 0 <= reveal.random < UINT256_LIMIT:
        raise OverflowError
    return reveal.random.to_bytes(_RANDOM_SIZE_BYTES, "big") + reveal.feed_values


def decode_reveal(payload: bytes, feed_count: int) -> Reveal | None:
    """The reveal in a payload of submit2, or None where a reader refuses it.

    A random alone is accepted: all values are missing.
    """
    random, feed_values = payload[:_RANDOM_SIZE_BYTES], payload[_RANDOM_SIZE_BYTES:]
    if len(random) < _RANDOM_SIZE_BYTES or not is_well_formed(feed_values, feed_count):
        return None
    return Reveal(int.from_bytes(random, "big"), feed_values)


def decode_commit(payload: bytes) -> bytes | None:
    """The commit hash in a payload of submit1, or None where it is not exactly 32 bytes."""
    return payload if len(payload) == WORD_SIZE_BYTES else None


def commits_of(submissions: Iterable[Submission], voting_round: VotingEpoch) -> dict[str, bytes]:
    """The commit of each sender (lower-case address) that counts in a round, whatever else the transactions hold."""
    timely = [s for s in submissions if voting_round.accepts_commit(s.block_time_s)]
    return _by_sender(timely, SUBMIT1, voting_round.number, decode_commit)


def reveals_of(submissions: Iterable[Submission], voting_round: VotingEpoch, feed_count: int) -> dict[str, Reveal]:
    """The reveal of each sender (lower-case address) that counts in a round; it may still not match its commit."""
    timely = [s for s in submissions if voting_round.accepts_reveal(s.block_time_s)]
    return _by_sender(timely, SUBMIT2, voting_round.number, lambda payload: decode_reveal(payload, feed_count))


def deposits_of(submissions: Iterable[Submission], voting_round: VotingEpoch) -> dict[str, SignaturePayload]:
    """The signature that each sender (lower-case address) deposited for a round; its signer is yet to be recovered."""
    timely = [s for s in submissions if s.block_time_s >= voting_round.next.reveal_deadline_s]
    return _by_sender(timely, SUBMIT_SIGNATURES, voting_round.number, decode_signature_payload)


def _by_sender(
    submissions: Iterable[Submission],
    selector: bytes,
    voting_round: int,
    decode: Callable[[bytes], Decoded | None],
) -> dict[str, Decoded]:
    messages: dict[str, list[Message]] = {}
    for submission in sorted(submissions, key=lambda s: (s.block_number, s.transaction_index)):
        if submission.calldata[:SELECTOR_SIZE_BYTES] == selector:
            messages.setdefault(submission.sender.lower(), []).extend(parse_calldata(submission.calldata))

    chosen = {sender: last_valid(said, voting_round, decode) for sender, said in messages.items()}
    return {sender: decoded for sender, decoded in chosen.items() if decoded is not None}
