"""queue_claim_rewards: what is ours, claimed once, and booked as the chain paid it."""

from collections.abc import Callable

import pytest

from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.flare.reading import events
from infra.local.flare.transactions import Transaction
from kernel.ledger import Ledger
from tests.chain.oracle.reward_scene import RewardScene, outcome, tick, work
from tests.chain.oracle.voting import mine
from tests.handlers.oracle.provider import Provider

pytestmark = pytest.mark.handlers

RECORD, SIGN, CLAIM = "oracle.record_round", "oracle.sign_rewards", "oracle.claim_rewards"


def accepted(stage: RewardScene) -> list[Provider]:
    """One voter with all the weight, so that its own signature is enough; its rewards are agreed on."""
    stage.ballot().play(4, 8, {6: lambda: stage.enter(2)})
    stage.at(10, 5)
    provider = stage.provider()
    tick(provider)
    work(provider, RECORD)
    work(provider, SIGN, turns=3)
    work(provider, SIGN, pause_s=16, turns=2)
    return [provider]


def name_executors(stage: RewardScene, *executors: str) -> None:
    """The identity of the first voter says who claims for it."""
    setup, identity = stage.network.contracts["ClaimSetupManager"], stage.network.voters[0].identity
    data = setup.data("setClaimExecutors", list(executors))
    mine(stage.network, [Transaction(sender=identity, to=setup.address, data=data, note="naming executors")])


def test_a_claim_waits_for_its_executor_and_is_booked_once(scene: Callable[..., RewardScene]) -> None:
    """The cold key says who claims; who died after sending claims nothing twice; the books hold what came."""
    stage = scene(vote_power_wei=(10**24, 10**22, 10**22, 10**22))
    [provider] = accepted(stage)
    voter = stage.network.voters[0]
    name_executors(stage)
    work(provider, CLAIM)
    waited = outcome(provider, CLAIM, 1)
    name_executors(stage, voter.submit_signatures.address)

    stage.clock.advance(20)
    work(provider, CLAIM)
    provider = provider.reborn()
    work(provider, CLAIM, turns=3)
    provider.submit_all(submit)

    [paid] = events(stage.network, "RewardManager", "RewardClaimed")
    assert ("ready", "done") == (waited.state, outcome(provider, CLAIM, 1).state)
    asset = f"evm:{stage.network.chain_id}:native"
    with provider.kernel.postgres.transaction() as tx:
        kept = Ledger().balance(tx, f"oracle:rewards:{voter.identity.address}", asset)
        assert [] == Ledger().discrepancies(tx)
    epoch = provider.deps.rewards.store.epoch(1)
    assert epoch is not None
    assert (paid["amount"], paid["amount"], "claimed") == (kept, epoch.ours_wei, epoch.state)
