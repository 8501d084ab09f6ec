"""Flare as the oracle sees it: the network's calendar, its feeds and voters, and what was submitted for a round.

Every read of a round is made at one head, which is stored with what follows from it. What a reward epoch fixes is
read once a container.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

from functions.oracle.adapters.offers import offered_feeds
from functions.oracle.adapters.registrations import registrations_of
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.submission import Submissions
from functions.oracle.adapters.systems import network_of
from functions.oracle.adapters.voters import Electorate, electorate_of
from functions.oracle.adapters.weighing import WeightRegime
from functions.oracle.core.epochs import Network, VotingEpoch
from functions.oracle.core.feeds import Feed
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message
from functions.oracle.core.payload import FTSO_PROTOCOL_ID
from functions.oracle.core.sighting import Registration, Relayed
from functions.oracle.core.submissions import Submission
from kernel.abi import uint_word
from kernel.evm.blocks import Head, quantity
from kernel.evm.rpc import RpcPool

REWARD_EPOCHS_KEPT = 4
BALANCES_PER_BATCH = 100
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
        self._registrations = lru_cache(REWARD_EPOCHS_KEPT)(self._read_registrations)

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

    def registrations(self, reward_epoch: int) -> tuple[Registration, ...]:
        """What its voters told when they registered, in the signing policy's order."""
        return self._registrations(reward_epoch)

    def calls(self, voting_epoch: VotingEpoch, head: Head) -> list[Submission]:
        """Everything that was sent in a voting epoch. Raises WindowStillOpen."""
        return self._submissions.between(voting_epoch.start_s, voting_epoch.end_s, head)

    def relayed(self, voting_round: VotingEpoch, head: Head) -> Relayed | None:
        """The first finalisation of a round, or None."""
        events = self._registry.relay.events(
            "ProtocolMessageRelayed",
            from_block=self._submissions.first_block_at(voting_round.next.start_s, head),
            to_block=head.number,
            topics=[uint_word(FTSO_PROTOCOL_ID), uint_word(voting_round.number)],
        )
        first = next(events, None)
        if first is None:
            return None
        message = ProtocolMessage(voting_round.number, first.arguments["isSecureRandom"], first.arguments["merkleRoot"])
        return Relayed(self._pool.head(first.log.block_number).time_s, encode_protocol_message(message))

    def balances_wei(self, addresses: Sequence[str], head: Head) -> dict[str, int]:
        """What these addresses hold as of `head`."""
        balances: dict[str, int] = {}
        for start in range(0, len(addresses), BALANCES_PER_BATCH):
            asked = addresses[start : start + BALANCES_PER_BATCH]
            answers = self._pool.batch([("eth_getBalance", [address, hex(head.number)]) for address in asked])
            balances |= {address: quantity(answer) for address, answer in zip(asked, answers, strict=True)}
        return balances

    def _read_registrations(self, reward_epoch: int) -> tuple[Registration, ...]:
        voters, _ = self._registry.voter_registry.call("getRegisteredVotersAndNormalisedWeights", reward_epoch)
        return registrations_of(self._registry, reward_epoch, voters)

    @cached_property
    def _submissions(self) -> Submissions:
        return Submissions(self._registry.submission)
