"""queue_claim_rewards: what is ours, claimed once, and booked as the chain paid it."""

from collections.abc import Callable

import pytest

from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.flare.node import Node
from infra.local.flare.reading import events
from infra.local.flare.transactions import Transaction
from kernel.ledger import Ledger, Posting
from kernel.testing.kernel import FakedKernel
from kernel.treasury.reconciliation import Sighting
from kernel.treasury.store import TreasuryStore
from kernel.treasury.wallets import OperatorWallet, WalletRecord
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


def test_a_claim_is_a_deposit_where_the_treasury_keeps_the_wallet(scene: Callable[..., RewardScene]) -> None:
    """The wallet's books and the chain stay together, to the wei."""
    stage = scene(vote_power_wei=(10**24, 10**22, 10**22, 10**22))
    [provider] = accepted(stage)
    owner = stage.network.voters[0].identity.address
    wallet = keep_wallet(stage, provider, owner)

    work(provider, CLAIM, turns=4)

    with Node(stage.network.rpc_url) as node:
        balance = int(node.call("eth_getBalance", owner, "latest"), 16)
    with provider.kernel.postgres.transaction() as tx:
        assert balance == Ledger().balance(tx, wallet.account, wallet.asset)
        assert [] == Ledger().discrepancies(tx)
    assert "done" == outcome(provider, CLAIM, 1).state


def keep_wallet(stage: RewardScene, provider: Provider, owner: str) -> WalletRecord:
    """Declare an address to the treasury, and open its books with what it holds now."""
    house = FakedKernel(provider.database_url, role="counterpart_ops", clock=stage.clock)
    wallet = OperatorWallet(
        service="oracle", chain=f"evm:{stage.network.chain_id}", address=owner, floor=0, target=0, funded_by=None
    )
    with Node(stage.network.rpc_url) as node:
        balance, block = (
            int(node.call(*call), 16) for call in (("eth_getBalance", owner, "latest"), ("eth_blockNumber",))
        )
    with house.postgres.transaction() as tx:
        store, now = TreasuryStore(), stage.clock.now()
        kept = store.declare(tx, wallet, now)
        store.open(tx, kept, Sighting(block=block, balance=balance, transactions=0), now)
        postings = [Posting(kept.account, kept.asset, balance), Posting(kept.outside, kept.asset, -balance)]
        Ledger(stage.clock).open(tx, kept.accounts())
        Ledger(stage.clock).post(tx, business_key="opening", service="treasury", postings=postings)
    house.postgres.close()
    return kept
