"""Owns the promise of a commit: the hash that binds a submitter to its random number and values of one round."""

from functools import lru_cache
from typing import Final

from kernel.abi import WORD_SIZE_BYTES, address_word, padded, uint_word
from kernel.hashes import keccak256

# The values are the only dynamic argument, so they begin after the four words of the head.
_VALUES_OFFSET: Final = uint_word(4 * WORD_SIZE_BYTES)

# The same hundred voters come every round.
_submitter_word = lru_cache(maxsize=1_024)(address_word)


def commit_hash(submitter: str, voting_round: int, random: int, feed_values: bytes) -> bytes:
    """keccak256(abi.encode(address submitter, uint32 round, uint256 random, bytes values)), 32 bytes.

    `submitter` is 0x-prefixed text in any case. Raises AddressInvalid, and OverflowError for a random past uint256.
    """
    return keccak256(
        _submitter_word(submitter)
        + uint_word(voting_round)
        + uint_word(random)
        + _VALUES_OFFSET
        + uint_word(len(feed_values))
        + padded(feed_values)
    )
