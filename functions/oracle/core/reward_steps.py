"""Owns what is done next about a registration, about the rewards of an ended reward epoch, and about our claims.

Each of the three is a task that is looked at again and again, until the chain says that it is over. A transaction of
ours that failed says little: another may have done the same before. So the chain is asked first, and only where the
effect is still owed a further transaction is recorded, `ATTEMPTS_MAX` in all.

    registration   open -> registered, or missed: it closed first
    rewards        computed -> signed -> accepted, when the voters agreed on our root; contradicted, on another root
    claim          once the root is accepted, for each of our addresses that something is due to -> claimed
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ATTEMPTS_MAX: Final = 3


class Sent(StrEnum):
    """What became of our newest transaction for something."""

    NOTHING = "nothing"  # there is none
    OPEN = "open"
    CONFIRMED = "confirmed"
    FAILED = "failed"  # it reverted, or was cancelled


@dataclass(frozen=True, slots=True)
class Record:
    """Record a transaction, as the so many-th attempt (from 1)."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again, for this reason."""

    reason: str
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """The chain shows the effect."""


@dataclass(frozen=True, slots=True)
class Missed:
    """It will not come about any more, or was not ours to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every attempt failed, and the effect is still owed: somebody has to look."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Compute the rewards."""


@dataclass(frozen=True, slots=True)
class Contradicted:
    """The voters agreed on another root than ours."""


RegistrationStep = Record | Wait | Reached | Missed | Exhausted
RewardStep = Compute | Record | Wait | Reached | Contradicted | Missed | Exhausted
ClaimStep = Record | Wait | Reached | Exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationFacts:
    """A registration as the chain shows it now. is_known: whether a voter has named our signing-policy address."""

    is_known: bool
    is_open: bool
    is_registered: bool
    sent: Sent
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardFacts:
    """The rewards of a reward epoch as they stand.

    is_whole: whether all that is rewarded under the root is computed here; elsewhere ours is one part of it. root:
    ours, None where nothing is due to anybody.
    """

    has_ended: bool
    is_whole: bool
    is_computed: bool
    root: bytes | None
    chain_root: bytes | None
    is_voter: bool
    sent: Sent
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """What is due to one address of ours. may_claim: whether it is our sender's own, or has named it its executor."""

    is_claimed: bool
    may_claim: bool
    sent: Sent
    attempts: int


def decide_registration(facts: RegistrationFacts) -> RegistrationStep:
    """What to do about a registration."""
    if facts.is_registered:
        return Reached()
    if facts.sent == Sent.OPEN:
        return Wait("our registration is on its way")
    if not facts.is_open:
        return Missed("registration is closed")
    if not facts.is_known:
        return Wait("no voter has named our signing-policy address", is_long=True)
    return _again(facts.attempts)


def decide_rewards(facts: RewardFacts) -> RewardStep:
    """What to do about the rewards of a reward epoch."""
    if not facts.has_ended:
        return Wait("the reward epoch has not ended", is_long=True)
    if not facts.is_computed:
        return Compute()
    if not facts.is_whole:
        return Missed("other protocols are rewarded under the same root")
    if facts.chain_root is not None:
        return Reached() if facts.chain_root == facts.root else Contradicted()
    return _sign(facts)


def decide_claim(facts: ClaimFacts) -> ClaimStep:
    """What to do about a claim of an accepted root."""
    if facts.is_claimed:
        return Reached()
    if facts.sent in (Sent.OPEN, Sent.CONFIRMED):
        return Wait("our claim is on its way")
    if not facts.may_claim:
        return Wait("the owner has not named us as its executor of claims", is_long=True)
    return _again(facts.attempts)


def _again(attempts: int) -> Record | Exhausted:
    return Record(attempts + 1) if attempts < ATTEMPTS_MAX else Exhausted()


def _sign(facts: RewardFacts) -> RewardStep:
    """What to do about rewards that the voters have not agreed on yet."""
    if facts.root is None:
        return Missed("nothing was offered")
    if not facts.is_voter:
        return Wait("the voters have not agreed on the rewards, and we are none of them", is_long=True)
    if facts.sent == Sent.OPEN:
        return Wait("our signature is on its way")
    if facts.sent == Sent.CONFIRMED:
        return Wait("the voters have not agreed on the rewards", is_long=True)
    return _again(facts.attempts)
