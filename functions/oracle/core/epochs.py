"""Owns the protocol's clock: voting epochs, reward epochs and deadlines of each network.

voting epoch v   [T0 + v * length, T0 + (v + 1) * length), half-open
voting round j   commit in voting epoch j; reveal in epoch j + 1 before its reveal deadline; sign from the deadline
reward epoch     a fixed number of voting epochs as *expected*; the actual start is read from the chain
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The timing of one chain. A test network is another value of this class, not other code."""

    name: str
    chain_id: int
    first_voting_epoch_start_s: int
    voting_epoch_length_s: int = 90
    reveal_deadline_s: int = 45
    reward_epoch_length_voting_epochs: int = 3_360
    first_reward_epoch_start_voting_epoch: int = 0

    def voting_epoch(self, number: int) -> "VotingEpoch":
        """The voting epoch of that number."""
        return VotingEpoch(number=number, network=self)

    def voting_epoch_at(self, time: datetime | float) -> "VotingEpoch":
        """The voting epoch that contains a moment (aware datetime, or Unix seconds)."""
        seconds = time.timestamp() if isinstance(time, datetime) else time
        return self.voting_epoch(int((seconds - self.first_voting_epoch_start_s) // self.voting_epoch_length_s))

    def rounds_between(self, earliest: datetime | float, latest: datetime | float) -> tuple["VotingEpoch", ...]:
        """The voting epochs that overlap [earliest, latest), ascending."""
        return tuple(_epochs(self.voting_epoch_at(earliest), latest))

    def expected_reward_epoch(self, voting_epoch: int) -> int:
        """The reward epoch that a voting epoch falls into by the calendar; the chain may start one later."""
        elapsed = voting_epoch - self.first_reward_epoch_start_voting_epoch
        return elapsed // self.reward_epoch_length_voting_epochs

    def expected_first_voting_epoch(self, reward_epoch: int) -> int:
        """The voting epoch in which a reward epoch should begin."""
        return self.first_reward_epoch_start_voting_epoch + reward_epoch * self.reward_epoch_length_voting_epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class VotingEpoch:
    """A voting epoch, and the voting round that begins with it. Times are Unix seconds."""

    number: int
    network: Network

    @property
    def start_s(self) -> int:
        return self.network.first_voting_epoch_start_s + self.number * self.network.voting_epoch_length_s

    @property
    def end_s(self) -> int:
        """The first second that no longer belongs to it."""
        return self.start_s + self.network.voting_epoch_length_s

    @property
    def reveal_deadline_s(self) -> int:
        """The first second *within this epoch* at which reveals (of the round before) are late."""
        return self.start_s + self.network.reveal_deadline_s

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.start_s, UTC)

    @property
    def next(self) -> "VotingEpoch":
        return self.network.voting_epoch(self.number + 1)

    @property
    def previous(self) -> "VotingEpoch":
        return self.network.voting_epoch(self.number - 1)

    def __contains__(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s

    def accepts_commit(self, block_time_s: int) -> bool:
        """Whether a block of that time may carry a commit of this round."""
        return block_time_s in self

    def accepts_reveal(self, block_time_s: int) -> bool:
        """Whether a block of that time may carry a reveal of this round."""
        return self.next.start_s <= block_time_s < self.next.reveal_deadline_s


FLARE: Final = Network(name="flare", chain_id=14, first_voting_epoch_start_s=1_658_430_000)
SONGBIRD: Final = Network(name="songbird", chain_id=19, first_voting_epoch_start_s=1_658_429_955)
COSTON2: Final = Network(
    name="coston2", chain_id=114, first_voting_epoch_start_s=1_658_430_000, reward_epoch_length_voting_epochs=240
)
COSTON: Final = Network(
    name="coston", chain_id=16, first_voting_epoch_start_s=1_658_429_955, reward_epoch_length_voting_epochs=240
)
# A chain on this machine chooses its own first epoch: dataclasses.replace(LOCAL, first_voting_epoch_start_s=...).
LOCAL: Final = Network(
    name="local",
    chain_id=31_337,
    first_voting_epoch_start_s=1_658_430_000,
    voting_epoch_length_s=8,
    reveal_deadline_s=4,
    reward_epoch_length_voting_epochs=240,
)

NETWORKS: Final = {network.name: network for network in (FLARE, SONGBIRD, COSTON2, COSTON, LOCAL)}
#: What is published of a network, and never changes.
_FIXED: Final = (
    "name",
    "chain_id",
    "first_voting_epoch_start_s",
    "voting_epoch_length_s",
    "reveal_deadline_s",
    "reward_epoch_length_voting_epochs",
)


def departures(network: Network) -> dict[str, str]:
    """Where a network that has the name or the chain id of a published one differs from it: field to "other, not own".

    A chain on this machine may be anything.
    """
    by_chain = {one.chain_id: one for one in NETWORKS.values()}
    published = NETWORKS.get(network.name) or by_chain.get(network.chain_id)
    if published is None or published is LOCAL:
        published = by_chain.get(network.chain_id, LOCAL)
    if published is LOCAL:
        return {}
    return {
        name: f"{getattr(network, name)}, not {getattr(published, name)}"
        for name in _FIXED
        if getattr(network, name) != getattr(published, name)
    }


def _epochs(epoch: VotingEpoch, latest: datetime | float) -> Iterator[VotingEpoch]:
    until_s = latest.timestamp() if isinstance(latest, datetime) else latest
    while epoch.start_s < until_s:
        yield epoch
        epoch = epoch.next
