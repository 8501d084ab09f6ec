"""The registry as the product reads it: who has paid an order, and what paying it takes."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.bridge.adapters.market import market
from functions.bridge.adapters.registry import PaymentUntold
from functions.bridge.core.order import Deposit, OrderKey
from functions.bridge.core.policy import Market
from infra.local.flare.contracts import Contract, artifact
from kernel.evm.quorum import QuestionRefused
from kernel.evm.rpc import Standing
from kernel.jsonrpc.endpoint import RpcUnavailable
from kernel.jsonrpc.quorum import NoQuorum
from kernel.testing import FakeClock
from tests.chain.bridge.scene import AMOUNT_WEI, STRANGER, Scene, deployed, sent
from tests.chain.evm.liar import Instead, Liar, always

pytestmark = pytest.mark.chain

Lying = Callable[..., Liar]
YES, NO = "0x" + (1).to_bytes(32, "big").hex(), "0x" + bytes(32).hex()
REVERT = Instead({"error": {"code": 3, "message": "execution reverted: Transfer failed."}})


def moody(scene: Scene, function: str, *arguments: Any) -> str:
    """A recipient of this mood."""
    one = Contract(deployed(scene.world.l1, "MoodyRecipient"), artifact("MoodyRecipient", "bridge"))
    sent(scene.world.l1, STRANGER, one.address, one.data(function, *arguments))
    return one.address


def test_a_payment_is_found_with_who_made_it(scene: Scene) -> None:
    """Ours and a stranger's; it is final when its chain says so."""
    ours, theirs, nobodys = scene.lock(), scene.lock(1), scene.lock(2)
    first = scene.pay(ours)
    second = scene.pay(theirs, by=STRANGER)
    registry = scene.registry()

    assert registry.paid(scene.payment(nobodys)) is None
    found = {deposit: registry.paid(scene.payment(deposit)) for deposit in (ours, theirs)}
    told = {
        deposit: (paid.payer, "0x" + paid.transaction_hash.hex(), hex(paid.block_number), paid.is_final)
        for deposit, paid in found.items()
        if paid is not None
    }
    assert {
        ours: (scene.maker, first["transactionHash"], first["blockNumber"], False),
        theirs: (STRANGER, second["transactionHash"], second["blockNumber"], False),
    } == told
    scene.world.l1.mine(2)
    assert [True, True] == [paid.is_final for d in (ours, theirs) if (paid := registry.paid(scene.payment(d)))]


def test_a_payment_of_another_amount_is_another_payment(scene: Scene) -> None:
    """A stranger who pays one wei of an order has not paid it; and each is found as its own."""
    deposit = scene.lock()
    scene.pay(deposit, by=STRANGER, amount_wei=1)
    assert scene.registry().paid(scene.payment(deposit)) is None

    scene.pay(deposit)

    registry = scene.registry()
    paid, partly = registry.paid(scene.payment(deposit)), registry.paid(scene.payment(deposit, 1))
    assert (scene.maker, STRANGER) == (paid and paid.payer, partly and partly.payer)


def test_a_payment_that_was_reorganised_away_is_none(newer: Scene) -> None:
    """L1 forgets, too."""
    deposit = newer.lock()
    before = newer.world.l1.snapshot()
    newer.pay(deposit)
    newer.world.l1.revert(before)
    newer.world.l1.mine(2)

    assert newer.registry().paid(newer.payment(deposit)) is None


def test_a_payment_whose_event_nobody_keeps_is_not_taken_for_anybodys(faulty: Scene) -> None:
    """Ours would be claimed, a stranger's would drop the order: neither without knowing."""
    deposit = faulty.lock()
    faulty.pay(deposit)
    assert faulty.world.l1.proxy is not None
    faulty.world.l1.proxy.inject(logs_pruned=True)

    with pytest.raises(PaymentUntold):
        faulty.registry(*faulty.world.l1.proxy_urls).paid(faulty.payment(deposit))


@pytest.mark.parametrize("says", [YES, NO], ids=["paid", "unpaid"])
def test_one_endpoint_that_lies_about_a_payment_is_not_believed(newer: Scene, start_lying: Lying, says: str) -> None:
    """Of two nothing is believed, of three the other two, wherever it stands."""
    deposit = newer.lock()
    if says == NO:
        newer.pay(deposit)
    liar, honest = start_lying(newer.world.l1.url, eth_call=always(says)), start_lying(newer.world.l1.url)
    payment = newer.payment(deposit)

    for urls in ((liar.url, honest.url), (honest.url, liar.url)):
        with pytest.raises(NoQuorum):
            newer.registry(*urls).paid(payment)
    for three in ((liar.url, honest.url, newer.world.l1.url), (newer.world.l1.url, honest.url, liar.url)):
        assert (newer.registry(*three).paid(payment) is not None) == (says == NO)


def test_one_endpoint_alone_says_nothing_of_payments(faulty: Scene) -> None:
    """However long the other has been away."""
    deposit, proxy = faulty.lock(), faulty.world.l1.proxy
    assert proxy is not None
    registry = faulty.registry(*proxy.urls)

    with proxy["primary"].injected(outage=True):
        for _ in range(2):
            with pytest.raises((NoQuorum, RpcUnavailable)):
                registry.paid(faulty.payment(deposit))
            with pytest.raises((NoQuorum, RpcUnavailable)):
                registry.transfer_gas(faulty.payment(deposit), faulty.maker)
            faulty.clock.advance(60)

    assert registry.paid(faulty.payment(deposit)) is None


def test_a_payment_is_simulated_as_its_payer_makes_it(scene: Scene) -> None:
    """What is estimated suffices, and is not much more than what is used; what the payer holds does not matter."""
    deposit = scene.lock()
    estimate = scene.registry().transfer_gas(scene.payment(deposit), scene.maker).gas
    assert estimate is not None
    assert estimate == scene.registry().transfer_gas(scene.payment(deposit), STRANGER).gas

    receipt = scene.pay(deposit)

    used = int(receipt["gasUsed"], 16)
    assert used <= estimate <= used + used // 4


def test_an_order_that_is_paid_cannot_be_paid_again(scene: Scene) -> None:
    """By nobody."""
    deposit = scene.lock()
    scene.pay(deposit, by=STRANGER)

    assert scene.registry().transfer_gas(scene.payment(deposit), scene.maker).gas is None


def test_recipients_that_refuse_or_burn_gas_are_found_out(scene: Scene) -> None:
    """One that burns all there is refuses; one that burns much shows it."""
    refusing, burning = moody(scene, "feel", 1), moody(scene, "burn", 400_000)
    insatiable = moody(scene, "burn", 10**9)

    def gas(recipient: str) -> int | None:
        return scene.registry().transfer_gas(scene.payment(scene.lock(recipient=recipient)), scene.maker).gas

    assert gas(refusing) is None
    assert gas(insatiable) is None
    assert 400_000 < (gas(burning) or 0) < 600_000


def test_a_payment_of_nothing_is_simulated_like_any_other(scene: Scene) -> None:
    """That nothing is not paid is a rule, and no failure."""
    assert scene.registry().transfer_gas(scene.payment(scene.lock(), 0), scene.maker).gas is not None


@pytest.mark.parametrize("told", [hex(21_000), hex(10**7)], ids=["too little", "too much"])
def test_an_estimate_that_stands_alone_is_not_believed(newer: Scene, start_lying: Lying, told: str) -> None:
    """Too little would have payments fail, too much would drop orders."""
    payment = newer.payment(newer.lock())
    honest = newer.registry().transfer_gas(payment, newer.maker).gas
    liar, other = start_lying(newer.world.l1.url, eth_estimateGas=always(told)), start_lying(newer.world.l1.url)

    with pytest.raises(NoQuorum):
        newer.registry(liar.url, other.url).transfer_gas(payment, newer.maker)
    assert honest == newer.registry(liar.url, other.url, newer.world.l1.url).transfer_gas(payment, newer.maker).gas


def test_one_endpoint_that_calls_a_recipient_unpayable_drops_no_order(newer: Scene, start_lying: Lying) -> None:
    """Nor does one that calls an unpayable recipient payable have it paid."""
    fine = newer.payment(newer.lock())
    bad = newer.payment(newer.lock(1, recipient=moody(newer, "feel", 1)))
    denying = start_lying(newer.world.l1.url, eth_estimateGas=REVERT)
    honest = start_lying(newer.world.l1.url)

    with pytest.raises(NoQuorum):
        newer.registry(denying.url, honest.url).transfer_gas(fine, newer.maker)
    assert newer.registry(denying.url, honest.url, newer.world.l1.url).transfer_gas(fine, newer.maker).gas is not None
    pleased = start_lying(newer.world.l1.url, eth_estimateGas=Instead({"result": hex(60_000)}))
    with pytest.raises(NoQuorum):
        newer.registry(pleased.url, honest.url).transfer_gas(bad, newer.maker)
    assert newer.registry(pleased.url, honest.url, newer.world.l1.url).transfer_gas(bad, newer.maker).gas is None


def test_a_recipient_that_behaves_on_some_nodes_only_discredits_no_honest_endpoint(
    newer: Scene, start_lying: Lying
) -> None:
    """By the gas or the base fee that it is given, say: orders of strangers leave us all whom we ask."""
    payment = newer.payment(newer.lock())
    other, honest = start_lying(newer.world.l1.url, eth_estimateGas=REVERT), start_lying(newer.world.l1.url)
    registry = newer.registry(other.url, honest.url, newer.world.l1.url)

    assert registry.transfer_gas(payment, newer.maker).gas is not None
    assert {Standing.ACTIVE} == {standing for _, standing in registry._quorum.pool.standings()}


def test_a_client_that_asks_who_can_afford_a_payment_is_told_that_we_can(newer: Scene, start_lying: Lying) -> None:
    """That the wallet is short is the treasury's business; an order is not dropped for it."""

    def strict(params: list[Any], result: Any) -> Any:
        refused = {"error": {"code": -32000, "message": "insufficient funds for transfer"}}
        return result if len(params) > 2 else Instead(refused)

    client = start_lying(newer.world.l1.url, eth_estimateGas=strict)
    payment = newer.payment(newer.lock())

    estimate = newer.registry(client.url).transfer_gas(payment, newer.maker).gas
    assert newer.registry().transfer_gas(payment, newer.maker).gas == estimate


def test_a_client_that_lets_nobody_pretend_drops_no_order(newer: Scene, start_lying: Lying) -> None:
    """It knows two parameters only, and we hold too little: later, perhaps."""

    def strict(params: list[Any], result: Any) -> Any:
        if len(params) > 2:
            return Instead({"error": {"code": -32602, "message": "too many arguments, want at most 2"}})
        return Instead({"error": {"code": -32000, "message": "insufficient funds for transfer"}})

    client = start_lying(newer.world.l1.url, eth_estimateGas=strict)

    with pytest.raises(QuestionRefused):
        newer.registry(client.url).transfer_gas(newer.payment(newer.lock()), newer.maker)


def test_the_market_of_an_order(newer: Scene) -> None:
    """Read for this payment, with the price of ether that is given."""

    class Ether:
        def usd_cents(self) -> int:
            return 3_000_00

    registry, deposit = newer.registry(), newer.lock()
    origin, now = newer.origin(registry=registry), FakeClock().now()

    found = market(deposit, origin, registry, Ether(), now, payer=newer.maker)

    assert found == Market(
        now=now,
        ether_usd_cents=3_000_00,
        gas_price_wei=registry.gas_price_wei(),
        transfer_gas=registry.transfer_gas(newer.payment(deposit), newer.maker).gas,
        claim_gas=143_785,
        message_fee_wei=origin.message_fee_wei([newer.payment(deposit)]),
        simulated_block=newer.world.l1.block_number(),
    )
    assert found.gas_price_wei > 0
    assert found.message_fee_wei > 0


def test_nothing_is_read_for_a_recipient_that_is_no_address(newer: Scene) -> None:
    """A word with more than twenty bytes is dropped whatever the market is like."""
    deposit = Deposit(
        key=OrderKey("zksync", 0),
        recipient=2**200,
        amount_wei=AMOUNT_WEI,
        fee_wei=0,
        block_number=1,
        block_hash=bytes(32),
        transaction_hash=bytes(32),
    )

    class NoEther:
        def usd_cents(self) -> None:
            raise AssertionError("nobody asks")

    registry = newer.registry()

    found = market(deposit, newer.origin(), registry, NoEther(), FakeClock().now(), payer=newer.maker)
    assert found.transfer_gas is None
