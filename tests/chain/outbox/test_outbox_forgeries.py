"""Answers that no honest node gives: of another transaction, of another shape, or with nobody left to contradict."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.local.fault_proxy import FaultProxy
from kernel.evm.blocks import hexadecimal
from kernel.outbox.evm import State
from kernel.tasks import Retry
from tests.chain.evm.liar import Liar, always
from tests.chain.outbox.desk import Desk
from tests.chain.outbox.test_outbox_faults import spend_elsewhere
from tests.chain.outbox.test_outbox_liars import settle
from tests.chain.workbench import LEASE_S

pytestmark = pytest.mark.chain

StartLiar = Callable[..., Liar]
UNADDRESSED = {
    "address": "0x12",
    "topics": [],
    "data": "0x",
    "blockNumber": "0x1",
    "blockHash": "0x" + "ab" * 32,
    "transactionHash": "0x" + "cd" * 32,
    "logIndex": "0x0",
}

SHAPES: dict[str, dict[str, Any]] = {
    "a log of no address": {
        "eth_getTransactionReceipt": lambda _params, told: told and {**told, "logs": [UNADDRESSED]}
    },
    "a receipt that is a list": {"eth_getTransactionReceipt": always([])},
    "a receipt without a status": {
        "eth_getTransactionReceipt": lambda _params, told: told and {**told, "status": None}
    },
    "blocks of nothing": {"eth_getBlockByNumber": lambda params, told: told if params[1] else {}},
    "a tip in words": {"eth_maxPriorityFeePerGas": always("none")},
    "no count": {"eth_getTransactionCount": lambda params, told: None if params[1] == "latest" else told},
}


def test_the_receipt_of_another_transaction_is_no_end(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """One of three answers with a true, final receipt, of somebody else's transaction: the obligation still stands."""
    liar = start_liar()
    desk = replace(faulty_desk, urls=(fault_proxy.urls[0], liar.url, fault_proxy.urls[1]))
    desk.record("model")
    model = desk.node.rpc("eth_getTransactionReceipt", hexadecimal(desk.settle("model").transaction_hash or b""))
    desk.hold_blocks()
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    desk.node.rpc("anvil_dropAllTransactions")
    spend_elsewhere(desk)
    desk.node.mine(3)
    liar.lies["eth_getTransactionReceipt"] = always(model)

    entry = settle(desk, "pay-1", outbox)
    assert (entry.state, entry.leases, desk.received("pay-1")) == (State.CONFIRMED, 2, 7)


@pytest.mark.parametrize("name", SHAPES)
def test_who_answers_in_another_shape_is_passed_over(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar, name: str
) -> None:
    """It comes first in the order: the next one is asked, and the task neither fails nor ends."""
    desk = replace(faulty_desk, urls=(start_liar(**SHAPES[name]).url, *fault_proxy.urls))
    desk.record("pay-1")

    entry = settle(desk, "pay-1", desk.outbox())
    assert (entry.state, entry.leases, desk.received("pay-1")) == (State.CONFIRMED, 1, 7)
    assert desk.tasks.about("pay-1")[0].attempt == 1


def test_no_second_nonce_on_the_word_of_the_last_endpoint_that_is_left(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """The other has been away for long, which is enough to read by one; a second payment hangs on two all the same."""
    liar = start_liar(
        eth_getTransactionReceipt=always(None),
        eth_getTransactionByHash=always(None),
        eth_getTransactionCount=always("0x3b9aca00"),
    )
    desk = replace(faulty_desk, urls=(liar.url, fault_proxy.urls[0]))
    lying, liar.lies = liar.lies, {}
    desk.hold_blocks()
    desk.node.mine(5)
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    liar.lies = {**lying, "eth_getTransactionCount": lambda params, told: "0x9" if params[1] != "0x0" else told}
    fault_proxy["primary"].inject(failure="http_500")
    for _ in range(8):
        desk.clock.advance(LEASE_S)
        outcome = desk.step("pay-1", outbox)

    assert isinstance(outcome, Retry)
    assert (desk.entry("pay-1").leases, desk.entry("pay-1").nonce) == (1, 0)
    liar.lies.clear()
    fault_proxy.heal()
    assert settle(desk, "pay-1", outbox).state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_no_failure_on_the_word_of_the_last_endpoint_that_is_left(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """It says that the payment reverted, and who is told so pays again: that waits for a second endpoint."""
    liar = start_liar()
    desk = replace(faulty_desk, urls=(liar.url, fault_proxy.urls[0]))
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    liar.lies["eth_getTransactionReceipt"] = lambda _params, told: told and {**told, "status": "0x0"}
    fault_proxy["primary"].inject(failure="http_500")
    for _ in range(8):
        desk.clock.advance(LEASE_S)
        outcome = desk.step("pay-1", outbox)

    assert isinstance(outcome, Retry)
    assert desk.entry("pay-1").alarm == "no_quorum"
    liar.lies.clear()
    fault_proxy.heal()
    assert settle(desk, "pay-1", outbox).state == State.CONFIRMED
