"""The oracle's whole show as plain values: what is judged, drawn and told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_rounds import PlayedRound
from infra.local.flare.feeds import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """When each provider took each step of a round, by name; in seconds since the round's epoch began.

    reveals: also those that came too late. finaliser: whose call went through; finalised_s: in which block.
    """

    commits: Mapping[str, int]
    reveals: Mapping[str, int]
    signatures: Mapping[str, int]
    finaliser: str
    finalised_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRound:
    """One round of the show. place: 1 for the first. start_s: of its epoch. rewarded: the position of the feed whose
    votes are paid, if there is one."""

    place: int
    start_s: int
    played: PlayedRound
    steps: Steps
    rewarded: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A provider. share: of the signing weight."""

    number: int
    name: str
    share: float

    @property
    def part(self) -> cast.Part:
        """What it is there for."""
        return cast.part_of(self.number)

    @property
    def is_ours(self) -> bool:
        """Whether it is a deployment of the bundle."""
        return self.number < cast.DEPLOYMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What a provider earned in the reward epoch, in wei, before its fee is parted from what its delegators get.

    claimed_wei: what its own address has been paid. is_rewarded: whether the minimal conditions let it keep the rest.
    """

    accuracy_wei: int
    signing_wei: int
    finalising_wei: int
    penalty_wei: int
    claimed_wei: int
    is_rewarded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it. market: the true price of each feed, as (seconds, price) of the span that the rounds cover."""

    epoch_s: int
    reveal_deadline_s: int
    feeds: Sequence[Feed]
    actors: Sequence[Actor]
    rounds: Sequence[ShownRound]
    market: Sequence[Sequence[tuple[float, float]]]
    earned: Mapping[str, Earned]
    offered_wei: int
    burnt_wei: int
