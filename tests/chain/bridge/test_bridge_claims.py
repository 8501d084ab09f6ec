"""Claims of an EVM origin: calls that go through, and a fee that pays for their message."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.bridge.adapters.evm_origin import MessageGas
from functions.bridge.adapters.mailbox import NoMailbox
from functions.bridge.adapters.origin import ClaimRefused
from functions.bridge.core.registry import Version
from infra.local.bridge.deployment import L2_GAS_PRICE_WEI
from infra.local.flare.contracts import Contract, artifact
from kernel.evm.contracts import selector
from kernel.jsonrpc.quorum import NoQuorum
from tests.chain.bridge.scene import STRANGER, Scene, deployed, sent
from tests.chain.evm.liar import Instead, Liar

pytestmark = pytest.mark.chain

Lying = Callable[..., Liar]
MAILBOX_OF_REGISTRY = "0x" + selector("zkSync()").hex()
BASE_COST = "0x" + selector("l2TransactionBaseCost(uint256,uint256,uint256)").hex()
LIMIT = MessageGas().limit


def without(function: str) -> Callable[[list[Any], Any], Any]:
    """Contracts that have no such function."""

    def lie(params: list[Any], result: Any) -> Any:
        if params[0]["data"].startswith(function):
            return Instead({"error": {"code": 3, "message": "execution reverted"}})
        return result

    return lie


def test_a_message_costs_what_the_mailbox_asks_and_some_headroom(scene: Scene) -> None:
    """Never nothing."""
    fee = scene.origin().message_fee_wei([scene.payment(scene.lock())])

    base = L2_GAS_PRICE_WEI * LIMIT
    assert base + base // 10 == fee


def test_a_message_of_a_mailbox_that_asks_for_nothing_carries_one_wei(newer: Scene) -> None:
    """No message is free on the live chains: a fee of zero is somebody's mistake, and refused there."""
    free = deployed(newer.world.l1, "ZkSyncMailbox", (0,))

    assert newer.origin(mailbox=free).message_fee_wei([newer.payment(newer.lock())]) == 1


def test_a_mailbox_that_is_set_is_asked_and_not_the_registrys(newer: Scene) -> None:
    """The operator knows better."""
    dear = deployed(newer.world.l1, "ZkSyncMailbox", (10 * L2_GAS_PRICE_WEI,))
    payment = newer.payment(newer.lock())

    assert newer.origin(mailbox=dear).message_fee_wei([payment]) == 10 * newer.origin().message_fee_wei([payment])


def test_a_mailbox_that_is_set_and_names_no_price_calls_a_person(newer: Scene) -> None:
    """It is a mistake in the settings, that no time mends."""
    with pytest.raises(NoMailbox):
        newer.origin(mailbox=STRANGER).message_fee_wei([newer.payment(newer.lock())])


def test_one_endpoint_does_not_name_the_price_of_a_message(newer: Scene, start_lying: Lying) -> None:
    """Too little has the claim revert, too much is a gift."""

    def cheap(params: list[Any], result: Any) -> Any:
        return "0x" + bytes(32).hex() if params[0]["data"].startswith(BASE_COST) else result

    liar, payment = start_lying(newer.world.l1.url, eth_call=cheap), newer.payment(newer.lock())

    with pytest.raises(NoQuorum):
        newer.origin(registry=newer.registry(liar.url, newer.world.l1.url)).message_fee_wei([payment])


def test_a_claim_goes_through_and_closes_its_order(scene: Scene) -> None:
    """Within the gas that it names, which it does not exceed by much."""
    deposit = scene.lock()
    scene.pay(deposit)

    claim = scene.origin().claim(scene.version, [scene.payment(deposit)])
    receipt = scene.call(claim.data, claim.value_wei, gas=claim.gas_limit)
    scene.carry()

    assert not scene.world.is_pending(scene.version, 0)
    assert int(receipt["gasUsed"], 16) <= claim.gas_limit <= 3 * int(receipt["gasUsed"], 16)


def test_several_orders_are_claimed_by_one_message(newer: Scene) -> None:
    """Which costs less than one each."""
    deposits = [newer.lock(number) for number in range(5)]
    newer.pay(*deposits)
    payments = [newer.payment(one) for one in deposits]
    origin = newer.origin()

    claim = origin.claim(Version.V2, payments)
    newer.call(claim.data, claim.value_wei, gas=claim.gas_limit)
    newer.carry()

    assert not any(newer.world.is_pending(Version.V2, number) for number in range(5))
    assert claim.value_wei == origin.message_fee_wei(payments) < 5 * origin.message_fee_wei(payments[:1])


def test_what_was_not_paid_is_not_claimed(newer: Scene) -> None:
    """Nor in a batch beside what was."""
    paid, unpaid = newer.lock(), newer.lock(1)
    newer.pay(paid)

    for payments in ([newer.payment(unpaid)], [newer.payment(paid), newer.payment(unpaid)]):
        with pytest.raises(ClaimRefused):
            newer.origin().claim(Version.V2, payments)


def test_a_signer_that_may_not_claim_hears_so_before_it_pays_for_that(newer: Scene) -> None:
    """The registry has another market maker now."""
    deposit = newer.lock()
    newer.pay(deposit)
    registry, owner = newer.generation.registry, newer.world.l1.rpc("eth_call", *_owner(newer))
    sent(newer.world.l1, "0x" + owner[-40:], registry.address, registry.data("setMarketMaker", STRANGER))

    with pytest.raises(ClaimRefused):
        newer.origin().claim(Version.V2, [newer.payment(deposit)])


@pytest.mark.parametrize("missing", [MAILBOX_OF_REGISTRY, BASE_COST], ids=["mailbox", "price"])
@pytest.mark.parametrize("l2_price_wei", [L2_GAS_PRICE_WEI // 1_000, 1_000 * L2_GAS_PRICE_WEI], ids=["low", "high"])
def test_a_registry_that_names_no_price_is_claimed_from_all_the_same(
    newer: Scene, start_lying: Lying, l2_price_wei: int, missing: str
) -> None:
    """The price of L2's own gas is where the search for a sufficient value begins."""
    deposit = newer.lock()
    newer.pay(deposit)
    l1 = start_lying(newer.world.l1.url, eth_call=without(missing))
    l2 = start_lying(newer.world.l2.url, eth_gasPrice=lambda _params, _result: hex(l2_price_wei))
    origin = newer.origin(l2.url, registry=newer.registry(l1.url))
    assert origin.message_fee_wei([newer.payment(deposit)]) == l2_price_wei * LIMIT * 11 // 10

    claim = origin.claim(Version.V2, [newer.payment(deposit)])
    newer.call(claim.data, claim.value_wei, gas=claim.gas_limit)
    newer.carry()

    assert not newer.world.is_pending(Version.V2, 0)
    assert claim.value_wei >= L2_GAS_PRICE_WEI * LIMIT


def _owner(scene: Scene) -> tuple[dict[str, str], str]:
    one = Contract(scene.generation.registry.address, artifact("PaymentRegistryV2", "bridge"))
    return {"to": one.address, "data": "0x" + one.data("owner").hex()}, "latest"
