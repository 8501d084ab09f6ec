"""A whole local Flare network in a second: contracts, voters, offers and the first signing policy, on a bare node."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from infra.local.flare import reward_epoch as steps
from infra.local.flare.accounts import ETHER, DevAccount, Voter, dev_account, dev_voters
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import NAMES, deploy_contracts
from infra.local.flare.feeds import CommunityOffer, Feed, mainnet_feeds
from infra.local.flare.node import Node
from infra.local.flare.timing import Rules, Timing
from infra.local.flare.transactions import Sender

FUNDS_WEI = 100_000 * ETHER
# Deployments and offers of a whole network go into a few blocks; the usual limit comes back afterwards.
SETUP_BLOCK_GAS = 1_000_000_000
BLOCK_GAS = 30_000_000
FOUR_EQUAL_VOTERS = (1_000_000 * ETHER,) * 4


class NetworkExists(Exception):
    """The chain has a network of this seed already; deploy on a fresh chain, or with another seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlareNetwork:
    """A deployed network: what a provider is configured with, and the keys of everybody in it."""

    rpc_url: str
    chain_id: int
    contracts: Mapping[str, Contract]
    governance: DevAccount
    voters: tuple[Voter, ...]
    timing: Timing
    rules: Rules
    first_voting_round_start_s: int
    inflation_feeds: tuple[Feed, ...]
    community_offers: tuple[CommunityOffer, ...]
    block_time_s: int | None

    @property
    def registry(self) -> str:
        """The address of FlareContractRegistry: all that a client needs besides an RPC address."""
        return self.address("FlareContractRegistry")

    def address(self, name: str) -> str:
        """The address of a contract."""
        return self.contracts[name].address

    def round_at(self, time_s: float) -> int:
        """The voting round that a time lies in."""
        return int(time_s - self.first_voting_round_start_s) // self.timing.voting_epoch_s

    def round_start_s(self, voting_round: int) -> int:
        """When a voting round starts."""
        return self.first_voting_round_start_s + voting_round * self.timing.voting_epoch_s


def deploy_network(
    rpc_url: str,
    *,
    vote_power_wei: Sequence[int] = FOUR_EQUAL_VOTERS,
    timing: Timing | None = None,
    rules: Rules | None = None,
    seed: str = "counterpart",
    inflation_feeds: Sequence[Feed] | None = None,
    community_offers: Sequence[CommunityOffer] = (),
    block_time_s: int | None = 1,
) -> FlareNetwork:
    """Deploy everything on an anvil node and open the initial reward epoch, which starts with the deployment.

    One voter per entry of vote_power_wei. The keys, and with them every address, follow from the seed. Feeds are
    those of mainnet unless given. Afterwards the node mines every block_time_s seconds, or with every transaction when
    that is None. Raises NetworkExists.
    """
    timing, rules = timing or Timing(), rules or Rules()
    governance, voters = dev_account(seed, "governance"), dev_voters(seed, vote_power_wei)
    with Node(rpc_url) as node, _setup_mining(node, block_time_s):
        if int(node.call("eth_getTransactionCount", governance.address, "latest"), 16) > 0:
            raise NetworkExists(str(NetworkExists.__doc__))
        _fund(node, [governance, *(account for voter in voters for account in voter.accounts)])
        sender = Sender(node, [artifact(name) for name in NAMES])
        node.mine()
        started_s = int(node.latest_block()["timestamp"], 16)
        start_s = started_s - timing.first_round * timing.voting_epoch_s
        network = FlareNetwork(
            rpc_url=rpc_url,
            chain_id=int(node.call("eth_chainId"), 16),
            contracts=MappingProxyType(deploy_contracts(sender, governance, timing, rules, start_s)),
            governance=governance,
            voters=voters,
            timing=timing,
            rules=rules,
            first_voting_round_start_s=start_s,
            inflation_feeds=tuple(mainnet_feeds() if inflation_feeds is None else inflation_feeds),
            community_offers=tuple(community_offers),
            block_time_s=block_time_s,
        )
        _introduce_voters(sender, network)
        _enter_reward_epoch(sender, network, timing.initial_reward_epoch)
    return network


def enter_reward_epoch(network: FlareNetwork, reward_epoch: int) -> None:
    """Repeat the offers and registrations of a network for its next reward epoch, and install that epoch's policy.

    The present reward epoch must be the one before; the new one begins on time, or with the next round when late.
    """
    with Node(network.rpc_url) as node, _setup_mining(node, network.block_time_s):
        sender = Sender(node, [artifact(name) for name in NAMES])
        _enter_reward_epoch(sender, network, reward_epoch)


def _introduce_voters(sender: Sender, network: FlareNetwork) -> None:
    contracts, governance = network.contracts, network.governance
    feeds = {offer.feed.id: offer.feed for offer in network.community_offers}
    feeds |= {feed.id: feed for feed in network.inflation_feeds}
    sender.mine(
        [
            *steps.state_feeds(contracts, governance, list(feeds.values())),
            *steps.propose_addresses(contracts, governance, network.voters),
        ]
    )
    sender.mine(list(steps.confirm_addresses(contracts, network.voters)))


def _enter_reward_epoch(sender: Sender, network: FlareNetwork, reward_epoch: int) -> None:
    contracts, governance = network.contracts, network.governance
    sender.mine(
        [
            *steps.offer_rewards(
                contracts,
                governance,
                rules=network.rules,
                reward_epoch=reward_epoch,
                inflation=network.inflation_feeds,
                community=network.community_offers,
            ),
            *steps.open_registration(contracts, governance, reward_epoch),
            *steps.register_voters(contracts, network.voters, reward_epoch),
            *steps.initialise_policy(contracts, governance, reward_epoch),
        ]
    )


def _fund(node: Node, accounts: Sequence[DevAccount]) -> None:
    node.batch([("anvil_setBalance", [account.address, hex(FUNDS_WEI)]) for account in accounts])


@contextlib.contextmanager
def _setup_mining(node: Node, block_time_s: int | None) -> Iterator[None]:
    """Blocks of any size and only when asked for; the node's usual mining afterwards, also after a failure."""
    node.call("evm_setAutomine", False)
    node.call("evm_setIntervalMining", 0)
    node.call("evm_setBlockGasLimit", hex(SETUP_BLOCK_GAS))
    try:
        yield
    finally:
        node.call("evm_setBlockGasLimit", hex(BLOCK_GAS))
        if block_time_s is None:
            node.call("evm_setAutomine", True)
        else:
            node.call("evm_setIntervalMining", block_time_s)
