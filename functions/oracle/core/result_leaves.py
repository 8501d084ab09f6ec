"""Owns the leaves of a round's Merkle tree, which consumers on the chain prove against its root.

    feed leaf    keccak256(abi.encode(uint32 round, bytes21 id, int32 value, uint16 turnoutBIPS, int8 decimals))
    random leaf  keccak256(abi.encode(uint32 round, uint256 random, bool secure))

A feed without votes is a leaf with value 0. turnoutBIPS is floor(participating weight * 10,000 / registered weight).
"""

from collections.abc import Iterable, Sequence

from functions.oracle.core.feeds import Feed
from functions.oracle.core.median import Median
from functions.oracle.core.random_number import RoundRandom
from kernel.abi import int_word, padded, uint_word
from kernel.amounts import ONE_BPS
from kernel.hashes import keccak256


def turnout_bips(participating_weight: int, registered_weight: int) -> int:
    """The share of the registered weight that voted, in 1/10,000, rounded down; 0 when nobody is registered."""
    return participating_weight * ONE_BPS // registered_weight if registered_weight else 0


def feed_leaf(voting_round: int, feed: Feed, value: int | None, turnout: int) -> bytes:
    """The leaf of one feed: value as an integer in the feed's decimals, turnout in basis points."""
    return keccak256(
        uint_word(voting_round) + padded(feed.id) + int_word(value or 0) + uint_word(turnout) + int_word(feed.decimals)
    )


def random_leaf(voting_round: int, random: RoundRandom) -> bytes:
    """The leaf of the round's random number."""
    return keccak256(uint_word(voting_round) + uint_word(random.value) + uint_word(random.is_secure))


def round_leaves(
    voting_round: int, feeds: Sequence[Feed], medians: Iterable[Median], registered_weight: int, random: RoundRandom
) -> list[bytes]:
    """All leaves of a round: the feeds in their order, then the random number."""
    leaves = [
        feed_leaf(voting_round, feed, median.value, turnout_bips(median.participating_weight, registered_weight))
        for feed, median in zip(feeds, medians, strict=True)
    ]
    return [*leaves, random_leaf(voting_round, random)]
