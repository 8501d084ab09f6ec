"""Owns which feed of a voting round is rewarded, and what a round has to give.

Nobody knows it while they vote. For round j let s be the first secure random number of the rounds after j, up to the
end of the reward epoch and 30 rounds beyond, and k the round that it is of; then

    seed = keccak256(abi.encode(uint256 s, uint256 k))      rewarded feed = feeds[seed mod number of feeds]

Rounds that wait for one random number reward one feed. Fast updates have feeds of their own, chosen by the same seed.
Without a secure random number in all that time no feed is rewarded, and the rounds' rewards are burnt.

What is offered for a reward epoch is spread equally over its rounds; the remainder goes to the first ones, a unit each.
Of a round's part 10 % are for signatures, 10 % for finalisation, each rounded down, and the rest is for accuracy.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from functions.oracle.core.random_number import RoundRandom
from kernel.abi import uint_word
from kernel.amounts import bps
from kernel.errors import Invalid
from kernel.hashes import keccak256

#: So many rounds of the next reward epoch are looked at for a secure random number.
LOOKAHEAD_ROUNDS: Final = 30
SIGNING_BIPS: Final = 1_000
FINALISATION_BIPS: Final = 1_000


class RoundOutside(Invalid):
    """The voting round is none of the reward epoch's."""

    cause = "Rewards of a reward epoch are asked for a round before its start or after its end."
    remedy = "Take start and end of the reward epoch from the chain."


class RoundPot(NamedTuple):
    """What a round has to give, in wei."""

    accuracy: int
    signing: int
    finalisation: int


def selection(voting_round: int, last_round: int, randoms: Mapping[int, RoundRandom]) -> int | None:
    """The seed that chooses a round's rewarded feed, or None where nothing does.

    last_round: of the reward epoch. randoms: voting round to its random number, as far as rounds had a result.
    """
    for later in range(voting_round + 1, last_round + LOOKAHEAD_ROUNDS + 1):
        random = randoms.get(later)
        if random is not None and random.is_secure:
            return int.from_bytes(keccak256(uint_word(random.value) + uint_word(later)), "big")
    return None


def rewarded_feed(
    voting_round: int, last_round: int, randoms: Mapping[int, RoundRandom], feed_count: int
) -> int | None:
    """The position of the rewarded feed in the feed order; None where none is."""
    seed = selection(voting_round, last_round, randoms)
    return None if seed is None else seed % feed_count


def round_share(offered: int, voting_round: int, first_round: int, last_round: int) -> int:
    """A round's part of what is offered for rounds first to last, both included. Raises RoundOutside."""
    if not first_round <= voting_round <= last_round:
        raise RoundOutside(voting_round=voting_round, first=first_round, last=last_round)
    share, remainder = divmod(offered, last_round - first_round + 1)
    return share + (voting_round - first_round < remainder)


def round_pot(amount: int) -> RoundPot:
    """A round's part by what it rewards; the three add up to it."""
    signing, finalisation = bps(amount, SIGNING_BIPS), bps(amount, FINALISATION_BIPS)
    return RoundPot(accuracy=amount - signing - finalisation, signing=signing, finalisation=finalisation)
