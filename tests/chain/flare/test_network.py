"""The local network is the same on every run, quick to make, and leaves the node as it was asked to."""

import time
from collections.abc import Callable

import pytest

from infra.local.anvil import AnvilNode
from infra.local.flare.accounts import dev_account
from infra.local.flare.feeds import feeds_named
from infra.local.flare.network import FlareNetwork, NetworkExists, deploy_network
from infra.local.flare.timing import Timing

pytestmark = pytest.mark.chain


def test_keys_and_addresses_follow_from_the_seed(deploy: Callable[..., FlareNetwork], fresh_node: AnvilNode) -> None:
    """Two runs agree in everything but the time; another seed shares nothing."""
    first = deploy()
    fresh_node.rpc("anvil_reset")
    second, other = deploy(), deploy(seed="another")

    assert (first.voters, first.contracts, first.chain_id) == (second.voters, second.contracts, 31337)
    assert {contract.address for contract in first.contracts.values()}.isdisjoint(
        contract.address for contract in other.contracts.values()
    )
    accounts = [account.address for network in (first, other) for voter in network.voters for account in voter.accounts]
    assert len(set(accounts)) == len(accounts) == 32


def test_private_keys_are_not_shown() -> None:
    """Not even development keys: logs of the demo are read by people."""
    account = dev_account("seed", "role")
    assert account.private_key.hex() not in repr(account)
    assert str(account.private_key) not in repr(account)


def test_a_chain_takes_a_network_once(deploy: Callable[..., FlareNetwork]) -> None:
    """A second deployment of the same seed is refused with what to do, not half done."""
    deploy()

    with pytest.raises(NetworkExists, match="another seed"):
        deploy()


def test_the_first_reward_epoch_starts_with_the_deployment(fresh_node: AnvilNode) -> None:
    """Whatever the lengths, the present round is the first of the initial reward epoch."""
    for number, timing in enumerate(
        (Timing(), Timing(voting_epoch_s=90, reveal_deadline_s=45, reward_epoch_rounds=3_360))
    ):
        network = deploy_network(fresh_node.url, timing=timing, seed=f"run {number}", block_time_s=None)
        now_s = int(fresh_node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

        assert timing.first_round == network.round_at(now_s)
        assert network.round_start_s(timing.first_round) <= now_s
        assert timing.first_round - 1 == network.round_at(network.round_start_s(timing.first_round) - 1)


def test_a_network_is_a_handful_of_blocks(deploy: Callable[..., FlareNetwork], fresh_node: AnvilNode) -> None:
    """However many voters: nobody waits for a transaction, so a hundred voters are ready in about half a second."""
    deploy(vote_power_wei=[10**24] * 100)

    assert fresh_node.block_number() == 5


def test_the_node_mines_on_its_own_afterwards(fresh_node: AnvilNode) -> None:
    """Every second when asked for, and never ahead of the clock; the block gas limit is the usual one again."""
    fresh_node.rpc("anvil_removeBlockTimestampInterval")
    deploy_network(fresh_node.url, block_time_s=1, inflation_feeds=feeds_named("BTC/USD"))
    before = fresh_node.block_number()
    fresh_node.child.wait_until(lambda: fresh_node.block_number() >= before + 3)
    fresh_node.rpc("evm_setIntervalMining", 0)
    blocks = [fresh_node.rpc("eth_getBlockByNumber", hex(before + number), False) for number in (1, 2, 3)]
    times_s = [int(block["timestamp"], 16) for block in blocks]

    assert times_s == sorted(set(times_s))
    assert times_s[-1] <= time.time()
    assert {30_000_000} == {int(block["gasLimit"], 16) for block in blocks}
