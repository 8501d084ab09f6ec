"""Owns the claims of a reward epoch: who may claim how much, and the Merkle tree that the chain checks them by.

    leaf = keccak256(abi.encode(uint24 reward epoch, bytes20 beneficiary, uint120 amount, uint8 type))

    DIRECT   any address; also what goes back to who offered it, and what is burnt
    FEE      a provider's own address: the fee that it takes from delegators and stakers
    WNAT     a provider's delegation address: what its delegators share
    MIRROR   a validator's node id: what its stakers share

A reward by delegation weight is a fee and the delegators' part. A reward or a penalty by signing weight is first split
into the part of stakes and that of delegations, in proportion; fees are taken of both, of stakes 20 % at most, and the
rest of the stakes' part goes to the nodes by declining balance. Divisions round toward zero, penalties being negative.

At the end of a reward epoch claims of one beneficiary and type are added up, apart by sign. A penalty is taken from the
claim that it meets, down to nothing, and what is taken is burnt: nothing is lost, and nobody owes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from kernel.abi import address_bytes, padded, uint_word
from kernel.amounts import ONE_BPS
from kernel.hashes import keccak256
from kernel.merkle import SortedMerkleTree

STAKING_FEE_BIPS_MAX: Final = 2_000
#: Where a network has none of its own.
BURN_ADDRESS: Final = "0x000000000000000000000000000000000000dead"


class ClaimType(IntEnum):
    """What a claim is, and of whom its beneficiary is the address; the module's essay says more."""

    DIRECT = 0
    FEE = 1
    WNAT = 2
    MIRROR = 3


class Claim(NamedTuple):
    """An amount in wei, negative for a penalty. beneficiary: 20 bytes as 0x and lower-case hex."""

    beneficiary: str
    type: ClaimType
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A registered voter as rewards see it. Addresses are lower-case; nodes are (20-byte node id, staked weight)."""

    identity: str
    delegation: str
    fee_bips: int
    delegated_weight: int
    nodes: tuple[tuple[str, int], ...] = ()


def burnt(amount: int, burn_address: str = BURN_ADDRESS) -> Claim:
    """What nobody earned."""
    return Claim(burn_address, ClaimType.DIRECT, amount)


def delegation_claims(amount: int, provider: Provider) -> list[Claim]:
    """A reward by delegation weight, without zeros."""
    fee = _toward_zero(amount * provider.fee_bips, ONE_BPS)
    return _without_zeros(
        Claim(provider.identity, ClaimType.FEE, fee), Claim(provider.delegation, ClaimType.WNAT, amount - fee)
    )


def signing_claims(amount: int, provider: Provider) -> list[Claim]:
    """A reward by signing weight, or a penalty, without zeros."""
    staked = sum(weight for _, weight in provider.nodes)
    total = provider.delegated_weight + staked
    for_stakes = _toward_zero(amount * staked, total) if total else 0
    for_delegations = amount - for_stakes
    fees = [
        _toward_zero(for_delegations * provider.fee_bips, ONE_BPS),
        _toward_zero(for_stakes * min(provider.fee_bips, STAKING_FEE_BIPS_MAX), ONE_BPS),
    ]
    claims = [
        Claim(provider.identity, ClaimType.FEE, sum(fees)),
        Claim(provider.delegation, ClaimType.WNAT, for_delegations - fees[0]),
    ]
    left_amount, left_weight = for_stakes - fees[1], staked
    for node, weight in provider.nodes:
        share = _toward_zero(left_amount * weight, left_weight) if left_weight else 0
        left_amount, left_weight = left_amount - share, left_weight - weight
        claims.append(Claim(node, ClaimType.MIRROR, share))
    return _without_zeros(*claims)


def settled(claims: Iterable[Claim], burn_address: str = BURN_ADDRESS) -> list[Claim]:
    """What may be claimed in the end: one positive claim a beneficiary and type, ascending, penalties burnt."""
    earned: defaultdict[tuple[str, ClaimType], int] = defaultdict(int)
    owed: defaultdict[tuple[str, ClaimType], int] = defaultdict(int)
    for beneficiary, kind, amount in claims:
        (earned if amount > 0 else owed)[beneficiary.lower(), kind] += amount
    kept: defaultdict[tuple[str, ClaimType], int] = defaultdict(int)
    for whose, amount in earned.items():
        taken = min(amount, -owed[whose])
        kept[whose] += amount - taken
        kept[burn_address, ClaimType.DIRECT] += taken
    if sum(kept.values()) != sum(earned.values()):
        raise AssertionError("claims were lost or made up")
    return [Claim(*whose, amount) for whose, amount in sorted(kept.items()) if amount]


def forfeited(claims: Iterable[Claim], losers: Collection[str], burn_address: str = BURN_ADDRESS) -> list[Claim]:
    """Settled claims with those of losers' addresses burnt, ascending again."""
    lost = {address.lower() for address in losers}
    return settled(
        (burnt(claim.amount, burn_address) if claim.beneficiary in lost else claim for claim in claims),
        burn_address,
    )


def claim_leaf(reward_epoch: int, claim: Claim) -> bytes:
    """The leaf of a positive claim. Raises AddressInvalid, OverflowError for an amount past 120 bits."""
    if not 0 < claim.amount < 1 << 120:
        raise OverflowError("a claim's amount has 120 bits")
    return keccak256(
        uint_word(reward_epoch)
        + padded(address_bytes(claim.beneficiary))
        + uint_word(claim.amount)
        + uint_word(claim.type)
    )


def claim_tree(reward_epoch: int, claims: Iterable[Claim]) -> SortedMerkleTree:
    """The tree under the reward epoch's hash; `proof` of it, for a claim's leaf, is what RewardManager wants."""
    return SortedMerkleTree([claim_leaf(reward_epoch, claim) for claim in claims])


def _toward_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _without_zeros(*claims: Claim) -> list[Claim]:
    return [claim for claim in claims if claim.amount]
