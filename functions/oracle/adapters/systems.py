"""FlareSystemsManager: the network's own timing. The chain is asked, because a test network may keep other hours."""

from typing import Final

from functions.oracle.adapters.registry import Registry
from functions.oracle.core.epochs import Network, departures
from kernel.errors import Broken

# The published share of a voting epoch in which reveals count: 45 of 90 seconds. No contract publishes the number.
REVEAL_SHARE: Final = 2


class NetworkMismatch(Broken):
    """The chain keeps other hours than the network that it is configured as."""

    cause = "COUNTERPART_ORACLE_NETWORK, its chain id and its registry are not of one network, or an endpoint lies."
    remedy = "Compare the three settings; a chain of one's own goes by another name and chain id than a published one."


def network_of(registry: Registry, name: str) -> Network:
    """The timing of the chain behind the registry. Raises NetworkMismatch."""
    manager = registry.systems_manager
    epoch_length_s = manager.call("votingEpochDurationSeconds")
    reward_epoch_length_s = manager.call("rewardEpochDurationSeconds")
    first_start_s = manager.call("firstVotingRoundStartTs")
    network = Network(
        name=name,
        chain_id=manager.pool.chain_id,
        first_voting_epoch_start_s=first_start_s,
        voting_epoch_length_s=epoch_length_s,
        reveal_deadline_s=epoch_length_s // REVEAL_SHARE,
        reward_epoch_length_voting_epochs=reward_epoch_length_s // epoch_length_s,
        first_reward_epoch_start_voting_epoch=(manager.call("firstRewardEpochStartTs") - first_start_s)
        // epoch_length_s,
    )
    if differing := departures(network):
        raise NetworkMismatch(**differing)
    return network
