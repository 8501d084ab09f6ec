"""Flare as the oracle sees it: the network's calendar, its feeds and voters, and what was submitted for a round.

Every read of a round is made at one head, which is stored with what follows from it. What a reward epoch fixes is
read once a container.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache

from functions.oracle.adapters.offers import offered_feeds
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.submission import Submissions
from functions.oracle.adapters.systems import network_of
from functions.oracle.adapters.voters import Electorate, electorate_of
from functions.oracle.adapters.weighing import WeightRegime
from functions.oracle.core.epochs import Network, VotingEpoch
from functions.oracle.core.feeds import Feed
from functions.oracle.core.payload import FTSO_PROTOCOL_ID
from functions.oracle.core.submissions import Submission
from kernel.evm.blocks import Head
from kernel.evm.rpc import RpcPool

REWARD_EPOCHS_KEPT = 4
NO_ROOT = bytes(32)
RememberedFeeds = Callable[[int], tuple[Feed, ...]]
# Benching looks 20 rounds back; policies older than this many rounds change nothing.
HISTORY_ROUNDS = 100


class Flare:
    """The chain behind one contract registry."""

    def __init__(
        self, pool: RpcPool, registry_address: str, *, name: str, regime: WeightRegime, remembered: RememberedFeeds
    ) -> None:
        """remembered: the feeds of a reward epoch as the chain told them before, or none."""
        self._pool, self._name = pool, name
        self._registry = Registry(pool, registry_address)
        # Offers lie scattered over a reward epoch of logs, more than a phase of a round has time to read.
        self._feeds = lru_cache(REWARD_EPOCHS_KEPT)(
            lambda epoch: remembered(epoch) or offered_feeds(self._registry, epoch)
        )
        self._electorates = lru_cache(REWARD_EPOCHS_KEPT)(lambda epoch: electorate_of(self._registry, epoch, regime))

    @cached_property
    def network(self) -> Network:
        """The calendar, as the chain keeps it."""
        return network_of(self._registry, self._name)

    @property
    def submission_address(self) -> str:
        """Where commits, reveals and signatures are sent."""
        return self._registry.submission.address

    @property
    def relay_address(self) -> str:
        """Where rounds are finalised."""
        return self._registry.relay.address

    def head(self) -> Head:
        """The newest block. A block of Flare is final once it is accepted, and only accepted blocks are served."""
        return self._pool.head()

    def reward_epoch_of(self, voting_round: int) -> int:
        """The reward epoch whose policy rules a round: the newest initialised one that starts at or before it."""
        relay = self._registry.relay
        epoch, start = relay.call("lastInitializedRewardEpochData")
        while start > voting_round and epoch > 0:
            epoch -= 1
            start = relay.call("startingVotingRoundIds", epoch)
        return int(epoch)

    @cached_property
    def first_round(self) -> int:
        """The first round of the oldest signing policy that the relay still tells of; nobody voted before it."""
        relay = self._registry.relay
        epoch, start = relay.call("lastInitializedRewardEpochData")
        while epoch > 0 and (earlier := relay.call("startingVotingRoundIds", epoch - 1)):
            epoch, start = epoch - 1, earlier
            if self.network.voting_epoch_at(self.head().time_s).number - start > HISTORY_ROUNDS:
                break
        return int(start)

    def feeds(self, reward_epoch: int) -> tuple[Feed, ...]:
        """The feeds of a reward epoch that has begun, in the order of its value vectors."""
        return self._feeds(reward_epoch)

    def electorate(self, reward_epoch: int) -> Electorate:
        """The voters of a reward epoch."""
        return self._electorates(reward_epoch)

    def submissions(self, voting_round: VotingEpoch, head: Head) -> list[Submission]:
        """Everything that was sent while a round's commits and reveals counted. Raises WindowStillOpen."""
        return self._submissions.between(voting_round.start_s, voting_round.next.reveal_deadline_s, head)

    def deposits(self, voting_round: VotingEpoch, head: Head) -> list[Submission]:
        """Everything that was sent since a round could be signed, as far as the chain has come."""
        return self._submissions.seen(voting_round.next.reveal_deadline_s, head.time_s + 1, head)

    def finalised_root(self, voting_round: int) -> bytes | None:
        """The Merkle root that the relay accepted for a round, or None."""
        root: bytes = self._registry.relay.call("merkleRoots", FTSO_PROTOCOL_ID, voting_round)
        return None if root == NO_ROOT else root

    @cached_property
    def _submissions(self) -> Submissions:
        return Submissions(self._registry.submission)
