"""queue_take_deposit on Solana: the wallet is its own inlet, and a whole transaction is the event."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.ops.adapters.arrivals import KIND
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.chain_events import Delivery, SolanaEvent
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from kernel.tasks import TaskSpec
from kernel.watches.hints_solana import LANDS_WITHIN_SLOTS
from tests.handlers.ops.purse import LOCALNET, Purse

pytestmark = pytest.mark.chain
CHAIN = LOCALNET
COLD = base58.encode(bytes([9] * 32))
LEAST = LAMPORTS_PER_SOL // 10


@pytest.fixture
def node(paused_solana: SolanaNode) -> SolanaNode:
    return paused_solana


@pytest.fixture
def purse(solana_purse: Purse) -> Purse:
    return solana_purse


@pytest.fixture
def opened(purse: Purse, node: SolanaNode, opened_on_solana: Callable[[], str]) -> Callable[[], str]:
    """A wallet of ten SOL whose books are open, with itself as its inlet."""

    def make() -> str:
        address = opened_on_solana()
        body = {"chain": CHAIN, "address": address, "wallet": address, "forward_to": COLD, "reason": "a test"}
        status, answer = purse.call("http_inlets.declare", body=body | {"least_base_units": str(LEAST)})
        assert status == 200, answer
        node.mine()
        return address

    return make


def pay(node: SolanaNode, *payments: tuple[str, int]) -> SolanaEvent:
    """A stranger's transaction, in a block, as a webhook tells it."""
    payer, pool = LocalSolanaSigner(node.payer_secret[:32]), SolanaPool((node.url,), "localnet")
    message = compile_message(
        payer.address,
        [system_transfer(payer.address, recipient, lamports) for recipient, lamports in payments],
        blockhash=pool.latest_blockhash().value,
        compute_unit_limit=1_000,
    )
    signed = with_signatures(message, {payer.address: payer.sign_message(message)})
    pool.broadcast(signed.raw)
    pool.close()
    node.mine()
    return told(node, signed.signature)


def told(node: SolanaNode, signature: str) -> SolanaEvent:
    """A transaction as a webhook tells it."""
    return SolanaEvent(
        cluster="localnet", slot=node.slot(), signature=signature, instruction_path="", program="", data=b""
    )


def tell(purse: Purse, *events: SolanaEvent) -> None:
    """What the intake does with a delivery."""
    now = purse.clock.now()
    payloads = {one.identity: Delivery(watch="any", sequence=0, event=one).to_json() for one in events}
    purse.kernel.tasks.enqueue(
        [TaskSpec(kind=KIND, business_key=key, payload=payload, run_at=now) for key, payload in payloads.items()]
    )


def states(purse: Purse) -> list[str]:
    with purse.kernel.postgres.transaction() as tx:
        return [row["state"] for row in tx.all("select state from kernel.tasks where kind = %(kind)s", kind=KIND)]


def test_a_deposit_waits_for_finality_and_goes_on(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """Told twice, once as a retraction: booked once, forwarded once, to the lamport."""
    wallet = opened()
    event = pay(node, (wallet, LAMPORTS_PER_SOL))
    tell(purse, event, event.retraction())
    early = [purse.deliver(one["id"]).state for one in purse.due()]
    booked_early = purse.balance(wallet)
    purse.run(mine=lambda: node.mine(20))

    ended = purse.transfer(f"{event.identity}:{wallet}")
    assert (early, booked_early) == (["ready"] * 2, 10 * LAMPORTS_PER_SOL)
    assert states(purse) == ["done"] * 2
    assert (ended["kind"], ended["state"]) == ("forward", "confirmed")
    assert node.balance(COLD, "finalized") == LAMPORTS_PER_SOL
    assert purse.balance(wallet) == 10 * LAMPORTS_PER_SOL - int(ended["fee_base_units"])
    assert purse.check(CHAIN, wallet) == "balanced"


def test_one_transaction_pays_two_wallets(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """One event, two deposits; what is hardly worth its way stays."""
    ada, bob = opened(), opened()
    event = pay(node, (ada, LAMPORTS_PER_SOL), (bob, LEAST - 1))
    tell(purse, event)
    purse.run(mine=lambda: node.mine(20))

    keys = (event.identity, f"treasury/{event.identity}", f"treasury/{event.identity}:{ada}")
    traces = [purse.deps.traces.of(key).moments for key in keys]

    assert purse.transfer(f"{event.identity}:{ada}")["state"] == "confirmed"
    assert traces[0] == traces[1]
    assert {one.what for one in traces[2]} == {one.what for one in traces[0]} >= {"enqueued", "posted", "confirmed"}
    assert purse.balance(bob) == 10 * LAMPORTS_PER_SOL + LEAST - 1
    assert [purse.check(CHAIN, one) for one in (ada, bob)] == ["balanced"] * 2


def test_the_house_s_own_transfers_are_no_deposits(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """They are booked at their end, by whoever sent them."""
    sender, recipient = opened(), opened()
    purse.send("one", CHAIN, sender, recipient, LAMPORTS_PER_SOL)
    purse.run(mine=lambda: node.mine(20))
    tell(purse, told(node, str(purse.transfer("one")["transaction_id"])))
    purse.run(mine=lambda: node.mine(20))

    assert states(purse) == ["skipped"]
    assert purse.balance(recipient) == 11 * LAMPORTS_PER_SOL
    assert [purse.check(CHAIN, one) for one in (sender, recipient)] == ["balanced"] * 2


def test_a_payment_that_never_landed_is_gone(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """Forged by somebody who knows the webhook's secret, or dropped by a fork."""
    wallet = opened()
    event = told(node, "5" * 87)
    tell(purse, event, replace(event, succeeded=False).retraction())
    purse.run(mine=lambda: node.mine(LANDS_WITHIN_SLOTS // 4))
    gone = [body["key"] for _, body in purse.kernel.news.published if body["news"] == "event_gone"]

    assert states(purse) == ["skipped"] * 2
    assert gone == [event.identity]
    assert purse.balance(wallet) == 10 * LAMPORTS_PER_SOL


def test_a_payment_that_failed_brings_nothing(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """It is final, and moved nothing."""
    wallet = opened()
    tell(purse, pay(node, (wallet, 10**18)))
    purse.run(mine=lambda: node.mine(20))

    assert states(purse) == ["skipped"]
    assert purse.check(CHAIN, wallet) == "balanced"
