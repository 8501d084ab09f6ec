"""queue_sign_rewards: the root that we sign, and the root that the voters agree on."""

from collections.abc import Callable

import pytest
from eth_abi.abi import encode

from infra.local.flare.transactions import Transaction
from kernel.hashes import keccak256
from tests.chain.flare import wire
from tests.chain.oracle.reward_scene import RewardScene, outcome, tick, work
from tests.chain.oracle.voting import mine

pytestmark = pytest.mark.handlers

RECORD, SIGN = "oracle.record_round", "oracle.sign_rewards"
PARKED = "select state, chain_root from oracle.reward_epochs where reward_epoch = 1"


def test_rewards_wait_for_the_epochs_end_and_for_a_secure_random_number(scene: Callable[..., RewardScene]) -> None:
    """What is missing is asked for, and nothing is computed without it."""
    stage = scene()
    ballot = stage.ballot()
    ballot.play(4, 7, {6: lambda: stage.enter(2)})
    stage.at(9, 5)
    provider = stage.provider()
    tick(provider)
    work(provider, SIGN)
    waited = outcome(provider, SIGN, 1)

    assert ("ready", None) == (waited.state, provider.deps.rewards.store.epoch(1))
    asked = [outcome(provider, RECORD, number).state for number in (4, 5, 6, 7, 8)]
    assert ["ready"] * 5 == asked


def test_another_root_of_the_voters_is_an_alarm(scene: Callable[..., RewardScene]) -> None:
    """We claim nothing by proofs that the chain would refuse; both roots are kept."""
    stage = scene()
    stage.ballot().play(4, 8, {6: lambda: stage.enter(2)})
    stage.at(10, 5)
    provider = stage.provider()
    tick(provider)
    work(provider, RECORD)
    root = keccak256(b"another")
    agree(stage, root)

    work(provider, SIGN, turns=2)

    found = provider.one(PARKED)
    assert ("contradicted", root) == (found["state"], bytes(found["chain_root"]))
    assert ("parked", "rewards_differ") == (outcome(provider, SIGN, 1).state, outcome(provider, SIGN, 1).error_code)


@pytest.mark.parametrize("regime", ["delegation", "signing"])
def test_votes_weigh_as_the_regime_says(scene: Callable[..., RewardScene], regime: str) -> None:
    """Capped delegation in wei, or the signing policy's 16 bits; either way all that was offered is somebody's."""
    stage = scene(vote_power_wei=(10**24, 10**22, 10**22, 10**22))
    stage.ballot().play(4, 8, {6: lambda: stage.enter(2)})
    stage.at(10, 5)
    provider = stage.provider(weight_regime=regime)
    tick(provider)
    work(provider, RECORD)

    work(provider, SIGN)

    delegated = [voter.vote_power_wei for voter in stage.network.voters]
    signing = list(provider.deps.flare.electorate(1).policy.weights)
    with provider.kernel.postgres.transaction() as tx:
        rows = tx.all("select median_weight, weight from oracle.reward_shares order by position")
    epoch = provider.deps.rewards.store.epoch(1)
    assert epoch is not None
    assert (delegated if regime == "delegation" else signing) == [int(row["median_weight"]) for row in rows]
    assert signing == [row["weight"] for row in rows]
    claims = provider.deps.rewards.store.claims(1)
    assert stage.network.rules.inflation_wei == epoch.offered_wei == sum(one.claim.amount for one in claims)


def agree(stage: RewardScene, root: bytes) -> None:
    """Three of four voters sign it."""
    counts = [(1, 0)]
    claims_hash = keccak256(encode(["(uint256,uint256)[]"], [counts]))
    message = keccak256(encode(["uint24", "bytes32", "bytes32"], [1, claims_hash, root]))
    manager = stage.network.contracts["FlareSystemsManager"]
    transactions = []
    for voter in stage.network.voters[1:]:
        v, r, s = wire.sign(message, voter.signing_policy)
        data = manager.data("signRewards", 1, counts, root, (v, r.to_bytes(32, "big"), s.to_bytes(32, "big")))
        transactions.append(Transaction(sender=voter.identity, to=manager.address, data=data, note="signing"))
    mine(stage.network, transactions)
