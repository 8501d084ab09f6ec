"""Owns who is rewarded for signing a round and for finalising it, and who is punished.

A moment is counted from the start of the voting epoch after the round's: signing begins at the reveal deadline, 45 s.

*Signing.* Signatures of the finalised message count that were deposited within the grace period (15 s) or before the
first finalisation; none does where the round was not finalised by the end of that epoch. Double signers never do. The
pool declines over the signers by signing weight, in the order of the signing policy; the part of a signer without an
accuracy reward in the round is burnt, as is what nobody gets.

*Finalising.* Within the grace period (20 s, its last second included) the drawn finalisers share the pool equally: each
that sent a finalisation and has an accuracy reward gets its part, the other parts are burnt. A round that is first
finalised later gives all of it to whoever did that, at the address that sent it.

*Penalties.* Whoever committed and did not reveal, or signed two messages of one round, loses thirty times the share of
its weight in all that the round has to give.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from functions.oracle.core.rewards import decline

SIGNING_GRACE_S: Final = 15
FINALISING_GRACE_S: Final = 20
PENALTY_FACTOR: Final = 30


class Deposit(NamedTuple):
    """A signature by a registered voter, as found on the chain."""

    position: int  # in the signing policy
    message_hash: bytes
    at_s: float  # since the start of the voting epoch after the round's


class Finalisation(NamedTuple):
    """A call of the relay with enough signatures."""

    sender: str  # lower-case
    at_s: float
    has_changed: bool  # the first one that went through; later ones are too late, but sent


class Paid(NamedTuple):
    """What became of a pool, in wei: by signing-policy position, by address, and nobody's."""

    by_position: Mapping[int, int]
    burnt: int
    by_address: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningTimes:
    """When a network signs; seconds since the start of the voting epoch after the round's."""

    reveal_deadline_s: float = 45
    epoch_length_s: float = 90
    signing_grace_s: float = SIGNING_GRACE_S
    finalising_grace_s: float = FINALISING_GRACE_S


def double_signers(deposits: Iterable[Deposit], times: SigningTimes) -> frozenset[int]:
    """The positions of those who signed two messages of the round within the epoch after it."""
    hashes: defaultdict[int, set[bytes]] = defaultdict(set)
    for deposit in deposits:
        if 0 <= deposit.at_s <= times.epoch_length_s:
            hashes[deposit.position].add(deposit.message_hash)
    return frozenset(position for position, signed in hashes.items() if len(signed) > 1)


def rewarded_signers(
    deposits: Sequence[Deposit], finalised_hash: bytes | None, finalised_at_s: float | None, times: SigningTimes
) -> list[int]:
    """The positions whose signatures count, ascending; none where the round was not finalised in time."""
    if finalised_hash is None or finalised_at_s is None:
        return []
    until_s, grace_ends_s = min(finalised_at_s, times.epoch_length_s), times.reveal_deadline_s + times.signing_grace_s
    signers = {
        one.position
        for one in deposits
        if one.message_hash == finalised_hash
        and one.at_s >= times.reveal_deadline_s
        and (one.at_s <= until_s or one.at_s < grace_ends_s)
    }
    return sorted(signers - double_signers(deposits, times))


def pay_signers(pool: int, signers: Sequence[int], weights: Sequence[int], accurate: Collection[int]) -> Paid:
    """The pool over the signers; accurate: the positions with an accuracy reward in this round."""
    shares = decline(pool, {position: weights[position] for position in signers})
    paid = {position: share for position, share in shares.items() if position in accurate}
    return Paid(paid, pool - sum(paid.values()), {})


def pay_finalisers(
    pool: int,
    finalisations: Sequence[Finalisation],
    drawn: Mapping[str, int],
    accurate: Collection[int],
    times: SigningTimes,
) -> Paid:
    """The pool over who finalised. drawn: the finalisers' signing-policy addresses to their positions."""
    first = next((one for one in finalisations if one.has_changed), None)
    if first is None:
        return Paid({}, pool, {})
    grace_ends_s = times.reveal_deadline_s + times.finalising_grace_s
    if first.at_s > grace_ends_s:
        return Paid({}, 0, {first.sender: pool})
    sent = dict.fromkeys(one.sender for one in finalisations if one.at_s <= grace_ends_s)
    paid: dict[int, int] = {}
    left, parts = pool, len(drawn)
    for sender in sent:
        position = drawn.get(sender)
        if position is not None and position in accurate:
            paid[position] = left // parts
            left, parts = left - paid[position], parts - 1
    return Paid(paid, left, {})


def penalty(round_amount: int, weight: int, registered_weight: int) -> int:
    """What an offence costs a voter of this delegated weight, as a negative amount, rounded toward zero."""
    return -(weight * round_amount * PENALTY_FACTOR // registered_weight) if registered_weight else 0
