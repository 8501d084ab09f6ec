"""Owns the random number of a round, and who is benched for having spoilt earlier ones.

offender of round j    committed in j and revealed nothing, late, or something that does not match
benched in round j     an offender of any of the rounds j - 20 ... j - 1
random of round j      the sum modulo 2**256 of the valid reveals of voters that are not benched
secure                 no voter that is not benched offended in j, and at least 2 such voters revealed validly
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from kernel.abi import UINT256_LIMIT

BENCHED_FOR_ROUNDS: Final = 20
SECURE_REVEALS_MIN: Final = 2


class RoundRandom(NamedTuple):
    """The random number of a round, and whether nobody could have steered it."""

    value: int
    is_secure: bool


def combine(revealed: Mapping[str, int], offenders: Iterable[str], benched: Collection[str]) -> RoundRandom:
    """The round's random number from the valid reveals (voter to random), its offenders, and who is benched."""
    counted = [random for voter, random in revealed.items() if voter not in benched]
    spoilt = any(offender not in benched for offender in offenders)
    return RoundRandom(sum(counted) % UINT256_LIMIT, not spoilt and len(counted) >= SECURE_REVEALS_MIN)


def benched_voters(offenders_by_round: Mapping[int, Iterable[str]], voting_round: int) -> frozenset[str]:
    """Who is benched in a round, from the offenders of the rounds before it."""
    window = range(voting_round - BENCHED_FOR_ROUNDS, voting_round)
    return frozenset(offender for number in window for offender in offenders_by_round.get(number, ()))
