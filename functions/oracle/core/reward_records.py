"""Owns how a round's record lies in the database: the votes as bytes, the rest as lists.

votes = deflate({ position 2 B | slot 4 B a feed }*)        ascending by position; 0 is a missing value
deposits = [position, message hash in hex, seconds]*         finalisations = [sender, seconds, went through]*
"""

import zlib
from collections.abc import Mapping
from typing import Any, Final

from functions.oracle.core.feed_values import SLOT_SIZE_BYTES
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.reward_epoch import RewardRound
from functions.oracle.core.signing_rewards import Deposit, Finalisation

_POSITION_SIZE_BYTES: Final = 2
_LEVEL: Final = 6


def encode_votes(votes: Mapping[int, bytes], feed_count: int) -> bytes:
    """The votes of a round, deflated. Raises OverflowError for a position past 16 bits."""
    size_bytes = feed_count * SLOT_SIZE_BYTES
    rows = [
        position.to_bytes(_POSITION_SIZE_BYTES, "big") + votes[position].ljust(size_bytes, b"\0")
        for position in sorted(votes)
    ]
    return zlib.compress(b"".join(rows), _LEVEL)


def decode_votes(stored: bytes, feed_count: int) -> dict[int, bytes]:
    """Position to value vector, padded to all feeds."""
    rows = zlib.decompress(stored)
    size_bytes = _POSITION_SIZE_BYTES + feed_count * SLOT_SIZE_BYTES
    if len(rows) % size_bytes:
        raise ValueError("the votes were stored with another number of feeds")
    return {
        int.from_bytes(rows[at : at + _POSITION_SIZE_BYTES], "big"): rows[at + _POSITION_SIZE_BYTES : at + size_bytes]
        for at in range(0, len(rows), size_bytes)
    }


def encode_round(one: RewardRound, feed_count: int) -> dict[str, Any]:
    """The columns of a record."""
    return {
        "voting_round": one.voting_round,
        "random": None if one.random is None else one.random.value,
        "is_secure_random": one.random is not None and one.random.is_secure,
        "votes": encode_votes(one.votes, feed_count),
        "offenders": sorted(one.offenders),
        "deposits": [[deposit.position, deposit.message_hash.hex(), deposit.at_s] for deposit in one.deposits],
        "finalisations": [[sent.sender, sent.at_s, sent.has_changed] for sent in one.finalisations],
        "finalised_hash": one.finalised_hash,
        "updates": list(one.updates),
        "update_feeds": {"0x" + feed_id.hex(): list(value) for feed_id, value in one.update_feeds.items()},
    }


def decode_round(row: Mapping[str, Any], feed_count: int) -> RewardRound:
    """The record in a row."""
    random = None if row["random"] is None else RoundRandom(int(row["random"]), row["is_secure_random"])
    return RewardRound(
        voting_round=row["voting_round"],
        random=random,
        votes=decode_votes(bytes(row["votes"]), feed_count),
        offenders=frozenset(row["offenders"]),
        deposits=tuple(Deposit(position, bytes.fromhex(digest), at_s) for position, digest, at_s in row["deposits"]),
        finalisations=tuple(Finalisation(*sent) for sent in row["finalisations"]),
        finalised_hash=None if row["finalised_hash"] is None else bytes(row["finalised_hash"]),
        updates=tuple(row["updates"]),
        update_feeds={
            bytes.fromhex(feed_id[2:]): (value[0], value[1]) for feed_id, value in row["update_feeds"].items()
        },
    )
