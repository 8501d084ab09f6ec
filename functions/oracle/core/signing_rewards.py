"""Owns who is rewarded for signing a round and for finalising it, and who is punished.

A moment is counted from the start of the voting epoch after the round's: signing begins at the reveal deadline, 45 s.

*Signing.* Where the round was finalised in time, signatures of the finalised message count that were deposited within
the grace period (10 s) or before the first finalisation. Where it was not, those of the message with the most signing
weight count, if that is at least 30 % of all. Double signers never do. The pool declines over the signers by signing
weight, in the order of the signing policy; the part of a signer without an accuracy reward in the round is burnt, as is
what nobody gets.

*Finalising.* Within the grace period (20 s) the drawn finalisers share the pool equally: each that sent a finalisation
and has an accuracy reward gets its part, the other parts are burnt. A round that is first finalised later gives all of
it to whoever did that, at the address that sent it.

*Penalties.* Whoever committed and did not reveal, or signed two messages of one round, loses thirty times the
accuracy reward's share of its weight.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from functions.oracle.core.rewards import decline
from kernel.amounts import ONE_BPS

SIGNING_GRACE_S: Final = 10
FINALISING_GRACE_S: Final = 20
#: Of the signing weight, that a message needs which was not finalised.
UNFINALISED_WEIGHT_BIPS: Final = 3_000
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
    deposits: Sequence[Deposit],
    weights: Sequence[int],
    finalised_hash: bytes | None,
    finalised_at_s: float | None,
    times: SigningTimes,
) -> list[int]:
    """The positions whose signatures count, ascending. weights: of signing, by position."""
    timely = [one for one in deposits if one.at_s >= times.reveal_deadline_s]
    if finalised_hash is None or finalised_at_s is None:
        chosen, until_s = _most_signed(timely, weights, times.epoch_length_s), times.epoch_length_s
        grace_ends_s = 0.0
    else:
        chosen, until_s = finalised_hash, min(finalised_at_s, times.epoch_length_s)
        grace_ends_s = times.reveal_deadline_s + times.signing_grace_s
    signers = {
        one.position
        for one in timely
        if one.message_hash == chosen and (one.at_s <= until_s or one.at_s < grace_ends_s)
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
    if first.at_s >= grace_ends_s:
        return Paid({}, 0, {first.sender: pool})
    sent = dict.fromkeys(one.sender for one in finalisations if one.at_s < grace_ends_s)
    paid: dict[int, int] = {}
    left, parts = pool, len(drawn)
    for sender in sent:
        position = drawn.get(sender)
        if position is not None and position in accurate:
            paid[position] = left // parts
            left, parts = left - paid[position], parts - 1
    return Paid(paid, left, {})


def penalty(accuracy_pool: int, weight: int, registered_weight: int) -> int:
    """What an offence costs a voter of this median weight, as a negative amount, rounded toward zero."""
    return -(weight * accuracy_pool * PENALTY_FACTOR // registered_weight) if registered_weight else 0


def _most_signed(deposits: Iterable[Deposit], weights: Sequence[int], until_s: float) -> bytes | None:
    signers: defaultdict[bytes, set[int]] = defaultdict(set)
    for deposit in deposits:
        if deposit.at_s <= until_s:
            signers[deposit.message_hash].add(deposit.position)
    weight_of = {one: sum(weights[position] for position in signed) for one, signed in signers.items()}
    if not weight_of:
        return None
    # Of two messages with the same weight the smaller hash, so that the order of arrival decides nothing.
    best = min(weight_of, key=lambda one: (-weight_of[one], one))
    return best if weight_of[best] * ONE_BPS >= sum(weights) * UNFINALISED_WEIGHT_BIPS else None
