"""Claims of Starknet's orders at both real registries: the core contract takes exactly the message that was priced.

L1 is a real chain with the registries and a core contract; Starknet is the stand-in, for no node comes with packages.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from functions.bridge.adapters.origin import ClaimCall, ClaimRefused
from functions.bridge.adapters.starknet_origin import MESSAGE_FEE_MIN_WEI, StarknetOrigin, StarknetTerms
from functions.bridge.adapters.starknet_rpc import StarknetPool
from functions.bridge.core.finality import FLOOR
from functions.bridge.core.registry import Payment, Version, transfer_call
from functions.bridge.core.starknet import CLAIM_PAYMENT_HANDLER, claim_payload
from kernel.abi import uint_words
from kernel.hashes import keccak256
from tests.chain.bridge.scene import RECIPIENT, STRANGER, Scene
from tests.integration.bridge.starknet.network import ACCOUNT, CHAIN_ID, ESCROW, SPEC, Faults, Network

pytestmark = pytest.mark.chain

MESSAGE_EVENT = "0x" + keccak256(b"LogMessageToL2(address,uint256,uint256,uint256[],uint256,uint256)").hex()
FEE_WEI = (int(SPEC["fee_estimate"]["overall_fee"], 16) * 3 + 1) // 2
AMOUNT_WEI = 10**16
LEADING_ZEROS = f"0x{0xAB:040x}"


@dataclass
class Starknet:
    """The origin, and the network that it reads."""

    scene: Scene
    network: Network
    origin: StarknetOrigin

    def payment(self, order_id: int, recipient: str = RECIPIENT) -> Payment:
        """What fills an order."""
        return Payment(order_id=order_id, recipient=recipient, amount_wei=AMOUNT_WEI, chain=self.origin.registry_chain)

    def pay(self, *payments: Payment) -> None:
        """Through the registry."""
        for payment in payments:
            self.scene.call(transfer_call(self.scene.version, payment), payment.amount_wei)

    def messages(self, call: ClaimCall) -> list[tuple[list[Any], tuple[int, ...]]]:
        """The messages of a claim: sender, escrow and handler, and the payload; and what each is paid."""
        receipt = self.scene.call(call.data, call.value_wei, gas=call.gas_limit)
        logs = [log for log in receipt["logs"] if log["topics"][0] == MESSAGE_EVENT]
        return [([int(one, 16) for one in log["topics"][1:]], _words(log["data"])) for log in logs]


@pytest.fixture
def starknet(scene: Scene) -> Iterator[Starknet]:
    """A network with a block, and the origin between it and a registry of either generation."""
    with ExitStack() as stack:
        network = Network()
        network.mine()
        urls = [stack.enter_context(network.endpoint(Faults())) for _ in range(2)]
        terms = StarknetTerms(
            name="starknet",
            escrow=hex(ESCROW),
            start_block=0,
            account=hex(ACCOUNT),
            table=FLOOR,
            block_s=2.0,
            finality_s=14_400.0,
        )
        pool = StarknetPool(urls, CHAIN_ID, scene.clock)
        origin = StarknetOrigin(
            scene.postgres, scene.tasks, pool, scene.registry(), terms, payer=scene.maker, clock=scene.clock
        )
        yield Starknet(scene, network, origin)
        pool.close()


@pytest.mark.parametrize(
    ("order_id", "recipient"),
    [(0, RECIPIENT), (2**64 + 3, LEADING_ZEROS), (2**128 + 5, LEADING_ZEROS), (2**256 - 1, RECIPIENT)],
)
def test_the_message_is_the_one_that_was_priced(starknet: Starknet, order_id: int, recipient: str) -> None:
    """The same payload, handler and escrow, ids past 64 and 128 bits and leading zeros included; all is paid for it."""
    payment = starknet.payment(order_id, recipient)
    starknet.pay(payment)

    call = starknet.origin.claim(starknet.scene.version, [payment])
    [(topics, words)] = starknet.messages(call)

    estimated = [one["params"][0] for one in starknet.network.asked if one["method"] == "starknet_estimateMessageFee"]
    payload = claim_payload(order_id, int(recipient, 16), AMOUNT_WEI)
    assert [int(starknet.origin._registry.address, 16), ESCROW, CLAIM_PAYMENT_HANDLER] == topics
    assert (FEE_WEI, payload) == (words[2], words[4:])
    assert {tuple(int(one, 16) for one in message["payload"]) for message in estimated} == {payload}
    assert {int(message["from_address"], 16) for message in estimated} == {topics[0]}
    assert (FEE_WEI, True) == (call.value_wei, FEE_WEI >= MESSAGE_FEE_MIN_WEI)


def test_several_are_claimed_at_once_by_the_second_generation(starknet: Starknet) -> None:
    """One message each, which share the value evenly; the first generation has no such call."""
    payments = [starknet.payment(order_id) for order_id in (1, 2**128, 7)]
    starknet.pay(*payments)
    if starknet.scene.version == Version.V1:
        with pytest.raises(ValueError, match="no such claim"):
            starknet.origin.claim(Version.V1, payments)
        return

    call = starknet.origin.claim(Version.V2, payments)

    messages = starknet.messages(call)
    assert 3 * FEE_WEI == call.value_wei
    assert [claim_payload(one.order_id, int(RECIPIENT, 16), AMOUNT_WEI) for one in payments] == [
        words[4:] for _, words in messages
    ]
    assert [FEE_WEI] * 3 == [words[2] for _, words in messages]


def test_a_claim_of_what_was_not_paid_is_not_made(starknet: Starknet) -> None:
    """The registry would revert."""
    with pytest.raises(ClaimRefused):
        starknet.origin.claim(starknet.scene.version, [starknet.payment(5)])


def test_a_claim_by_somebody_else_is_not_made(starknet: Starknet) -> None:
    """Only the registry's owner and its market maker may."""
    payment = starknet.payment(5)
    starknet.pay(payment)
    starknet.origin._payer = STRANGER

    with pytest.raises(ClaimRefused):
        starknet.origin.claim(starknet.scene.version, [payment])


def _words(data: str) -> tuple[int, ...]:
    octets = bytes.fromhex(data[2:])
    return uint_words(octets, len(octets) // 32)
