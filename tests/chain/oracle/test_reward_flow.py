"""A reward epoch from its rounds to the claims, with the real contracts."""

from collections.abc import Callable

import pytest

from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.systems import NetworkMismatch, network_of
from infra.local.flare.node import Node
from infra.local.flare.reading import events, read
from tests.chain.oracle.reward_scene import RewardScene, outcome, tick, work
from tests.chain.oracle.voting import Conduct

pytestmark = pytest.mark.chain

SIGN, CLAIM, RECORD, REGISTER = "oracle.sign_rewards", "oracle.claim_rewards", "oracle.record_round", "oracle.register"


def test_rewards_are_computed_signed_and_claimed(scene: Callable[..., RewardScene]) -> None:
    """Three providers of ours compute one root from the chain alone, sign it, and claim to the last wei."""
    stage = scene()
    first = stage.first_round
    ballot = stage.ballot(
        conducts={
            first + 1: Conduct(withheld=[3]),
            first + 2: Conduct(unsigned=[2], relayer=lambda b, _: b.network.voters[0].signing_policy, relay_at_s=7),
            first + 3: Conduct(relayer=lambda b, _: b.network.voters[0].submit_signatures, relay_at_s=7),
        }
    )
    ballot.play(first, first + 5, {first + 2: lambda: stage.enter(2)})
    stage.at(first + 7)
    providers = [stage.provider(index) for index in range(3)]

    for provider in providers:
        tick(provider)
        work(provider, RECORD)
        work(provider, SIGN, turns=3)
    computed = [provider.deps.rewards.store.epoch(1) for provider in providers]
    roots = {epoch.rewards_root for epoch in computed if epoch is not None}

    assert None not in computed
    assert {read(stage.network, "FlareSystemsManager", "rewardsHash", 1)} == roots
    identity = stage.network.voters[0].identity.address
    with Node(stage.network.rpc_url) as node:
        before = int(node.call("eth_getBalance", identity, "latest"), 16)
    work(providers[0], SIGN, CLAIM, turns=5, pause_s=16)
    with Node(stage.network.rpc_url) as node:
        after = int(node.call("eth_getBalance", identity, "latest"), 16)
    epoch = providers[0].deps.rewards.store.epoch(1)
    assert epoch is not None
    fee, direct = [
        sum(
            row["amount"] for row in events(stage.network, "RewardManager", "RewardClaimed") if row["claimType"] == kind
        )
        for kind in (1, 0)
    ]
    assert ("claimed", after - before) == (epoch.state, fee)
    assert (True, True, epoch.ours_wei) == (fee > 0, direct > 0, fee + direct)
    assert "done" == outcome(providers[0], CLAIM, 1).state


def test_a_chain_that_keeps_other_hours_than_its_name_is_refused(scene: Callable[..., RewardScene]) -> None:
    """Flare's clock began on a day in 2022; this chain's did not."""
    provider = scene().provider()

    with pytest.raises(NetworkMismatch) as refused:
        network_of(Registry(provider.deps.pool, provider.deps.settings.registry_address), "flare")

    assert {"chain_id", "first_voting_epoch_start_s", "voting_epoch_length_s"} <= refused.value.details.keys()
