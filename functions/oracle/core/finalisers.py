"""Owns the draw of a round's finalisers, who go first within the grace period.

1. seed = keccak256(abi.encode(policy seed, uint8 protocol, uint32 round)).
2. x = seed mod W; the voter drawn is the one whose weights' interval [sum before it, sum with it) holds x.
3. A voter not drawn before joins, with its weight. Then seed = keccak256(seed).
4. Repeat until the joined weight reaches floor(W * share / 10,000); the share is 5 %.

The interval of a voter is half-open, as in the network's own programs; their prose, which lets x meet the upper end
too, would draw somebody else where x falls on a border.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import Final

from functions.oracle.core.payload import FTSO_PROTOCOL_ID
from functions.oracle.core.signing_policy import SigningPolicy
from kernel.abi import uint_word
from kernel.amounts import ONE_BPS
from kernel.errors import Invalid
from kernel.hashes import keccak256

SHARE_BIPS: Final = 500
# Beyond half of the weight the draw could repeat itself for long.
_SHARE_BIPS_MAX: Final = 5_000


class ShareTooLarge(Invalid):
    """The finalisers' share is at most half of the weight."""

    cause = "A larger share would make the draw long."
    remedy = "Use the network's share, 500 basis points."


def initial_seed(policy_seed: int, protocol_id: int, voting_round: int) -> bytes:
    """The seed of a round's draw, 32 bytes."""
    return keccak256(uint_word(policy_seed) + uint_word(protocol_id) + uint_word(voting_round))


def draw_finalisers(
    policy: SigningPolicy, voting_round: int, *, protocol_id: int = FTSO_PROTOCOL_ID, share_bips: int = SHARE_BIPS
) -> tuple[str, ...]:
    """The addresses of a round's finalisers in the order in which they were drawn. Raises ShareTooLarge."""
    if share_bips > _SHARE_BIPS_MAX:
        raise ShareTooLarge(share_bips=share_bips)
    borders = list(accumulate(policy.weights))
    wanted = policy.total_weight * share_bips // ONE_BPS
    drawn: dict[int, int] = {}
    seed = initial_seed(policy.seed, protocol_id, voting_round)
    while sum(drawn.values()) < wanted:
        position = bisect_right(borders, int.from_bytes(seed, "big") % policy.total_weight)
        drawn[position] = policy.weights[position]
        seed = keccak256(seed)
    return tuple(policy.voters[position] for position in drawn)
