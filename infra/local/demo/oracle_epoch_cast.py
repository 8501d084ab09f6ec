"""Who plays in the oracle's whole show, and what goes wrong by the book.

Twenty providers of different weight. The first ones are deployments of the bundle; each of the others is a participant
that sends the protocol's own bytes. Rounds of the show count from 1:

    before   one provider commits and never reveals, so that it is benched when the show begins
    round 1  the liar reports every price 7 % too high, and keeps its promise
    round 2  the liar reveals other values than it committed to; a deployment dies between commit and reveal
    round 3  one provider reveals after the deadline
    round 4  the benched one reveals nothing again
    round 5  nothing happens, but three are benched

Whoever breaks its promise while it is not benched spoils the round's random number; a benched one no longer can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from infra.local.flare.accounts import ETHER

PROVIDERS: Final = 20
ROUNDS: Final = 5
#: So many of the first providers run the bundle; the last of them dies and comes back.
DEPLOYMENTS: Final = 2
VICTIM: Final = DEPLOYMENTS - 1
LIAR, LATE, BENCHED = 9, 13, 17
#: Too high, in basis points.
LIE_BPS: Final = 700
#: Rounds of the show.
LIE_ROUND, MISMATCH_ROUND, DEATH_ROUND, LATE_ROUND, RELAPSE_ROUND = 1, 2, 2, 3, 4
_SEED: Final = 812_576


class Part(StrEnum):
    """What a provider is there for."""

    BUNDLE = "the bundle"
    VICTIM = "the bundle; dies and recovers"
    HONEST = "honest"
    LIAR = "lies"
    LATE = "is late"
    BENCHED = "is benched"


class Reveal(StrEnum):
    """How a participant reveals in one round."""

    KEPT = "as committed"
    FORGED = "other values than committed"
    TARDY = "after the deadline"
    NONE = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What a participant does in one round. shift_bps: how far its prices are off on purpose."""

    reveal: Reveal = Reveal.KEPT
    shift_bps: int = 0

    @property
    def is_offence(self) -> bool:
        """Whether the round has it as an offender."""
        return self.reveal is not Reveal.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """How a participant sees the market: the mean of the past so many seconds, with an error of its own."""

    memory_s: float
    noise_bps: float


def part_of(number: int) -> Part:
    """The part of a provider, by its number."""
    if number < DEPLOYMENTS:
        return Part.VICTIM if number == VICTIM else Part.BUNDLE
    return {LIAR: Part.LIAR, LATE: Part.LATE, BENCHED: Part.BENCHED}.get(number, Part.HONEST)


def conduct(number: int, show_round: int) -> Conduct:
    """What a participant does in a round of the show; rounds before it are 0 and less."""
    if number == BENCHED and (show_round < 1 or show_round == RELAPSE_ROUND):
        return Conduct(reveal=Reveal.NONE)
    if number == LIAR and show_round == LIE_ROUND:
        return Conduct(shift_bps=LIE_BPS)
    if number == LIAR and show_round == MISMATCH_ROUND:
        return Conduct(reveal=Reveal.FORGED)
    if number == LATE and show_round == LATE_ROUND:
        return Conduct(reveal=Reveal.TARDY)
    return Conduct()


def offenders(show_round: int) -> frozenset[int]:
    """Whom a round of the show must name."""
    return frozenset(number for number in range(PROVIDERS) if conduct(number, show_round).is_offence)


def benched(show_round: int) -> frozenset[int]:
    """Whose random numbers do not count in a round of the show; it is short, so that nobody is forgiven in it."""
    return frozenset(number for earlier in range(show_round) for number in offenders(earlier))


def is_secure(show_round: int) -> bool:
    """Whether nobody could have steered a round's random number."""
    return offenders(show_round) <= benched(show_round)


def vote_powers_wei() -> tuple[int, ...]:
    """What is delegated to each provider: from a quarter of a million to four, ours in the middle."""
    dice = Random(_SEED)
    return tuple(dice.randrange(250_000, 4_000_000) * ETHER for _ in range(PROVIDERS))


def tastes() -> Sequence[Taste]:
    """One a provider; those of deployments are not used, since they have the exchanges."""
    dice = Random(_SEED + 1)
    return [Taste(memory_s=dice.uniform(5, 150), noise_bps=dice.uniform(0.5, 5)) for _ in range(PROVIDERS)]
