"""The way from one reward epoch into the next while rounds are running: offers, registration, the signing policy."""

from collections.abc import Callable, Sequence
from typing import Final

from infra.local.demo.stage import wait_for
from infra.local.flare import reward_epoch as steps
from infra.local.flare.accounts import Voter
from infra.local.flare.contracts import artifact
from infra.local.flare.deployment import NAMES
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node
from infra.local.flare.reading import read
from infra.local.flare.transactions import Sender

REGISTERED_WITHIN_S: Final = 120.0


class Passage:
    """What governance and the participants do between reward epochs; the node goes on mining as it does."""

    def __init__(self, network: FlareNetwork, node: Node) -> None:
        self._network = network
        self.sender = Sender(node, [artifact(name) for name in NAMES])

    def open(self, reward_epoch: int) -> None:
        """Offer its rewards, and let voters register."""
        network = self._network
        offers = steps.offer_rewards(
            network.contracts,
            network.governance,
            rules=network.rules,
            reward_epoch=reward_epoch,
            inflation=network.inflation_feeds,
            community=network.community_offers,
        )
        opening = steps.open_registration(network.contracts, network.governance, reward_epoch)
        self.sender.send([*offers, *opening])

    def register(self, reward_epoch: int, voters: Sequence[Voter]) -> None:
        """Let these voters register, each by itself."""
        self.sender.send(list(steps.register_voters(self._network.contracts, voters, reward_epoch)))

    def wait_for_voters(self, reward_epoch: int, voters: Sequence[Voter], look: Callable[[], object]) -> None:
        """Wait until these have registered. SceneFailed when they do not."""

        def registered() -> bool | None:
            look()
            return (
                all(
                    read(self._network, "VoterRegistry", "isVoterRegistered", voter.identity.address, reward_epoch)
                    for voter in voters
                )
                or None
            )

        wait_for(registered, "the deployments' registration", within_s=REGISTERED_WITHIN_S)

    def close(self, reward_epoch: int) -> int:
        """Install the signing policy; the round that the reward epoch begins with."""
        self.sender.send(list(steps.initialise_policy(self._network.contracts, self._network.governance, reward_epoch)))
        return int(read(self._network, "Relay", "startingVotingRoundIds", reward_epoch))
