"""RPC endpoints that lie about our transactions: left out, and the entry goes right; with no majority, money waits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.local.fault_proxy import FaultProxy
from kernel.evm.blocks import hexadecimal
from kernel.evm.rpc import Standing
from kernel.outbox.evm import EvmOutbox, OutboxEntry, State
from kernel.outbox.reading import ChainUnreadable
from kernel.tasks import Retry
from tests.chain.evm.liar import Instead, Liar, ahead_by, always
from tests.chain.outbox.desk import Desk
from tests.chain.outbox.test_outbox_faults import spend_elsewhere
from tests.chain.workbench import LEASE_S

pytestmark = pytest.mark.chain

StartLiar = Callable[..., Liar]


def forged(**changes: str) -> Callable[[list[Any], Any], Any]:
    """A receipt with something changed; nothing where there is none."""
    return lambda _params, receipt: receipt and {**receipt, **changes}


def endless_finality(params: list[Any], block: Any) -> Any:
    """Whatever is asked for as final is the latest block, a thousand blocks on."""
    return {**block, "number": hex(int(block["number"], 16) + 1_000)} if params[0] == "finalized" else block


LIES: dict[str, dict[str, Any]] = {
    "no receipts": {"eth_getTransactionReceipt": always(None)},
    "no receipts, no transactions, no use of the nonce": {
        "eth_getTransactionReceipt": always(None),
        "eth_getTransactionByHash": always(None),
        "eth_getTransactionCount": always("0x0"),
    },
    "receipts that say reverted": {"eth_getTransactionReceipt": forged(status="0x0")},
    "receipts of another block": {"eth_getTransactionReceipt": forged(blockHash="0x" + "ab" * 32)},
    "receipts of another height": {"eth_getTransactionReceipt": forged(blockNumber="0x0")},
    "receipts of a height that is never final": {"eth_getTransactionReceipt": forged(blockNumber="0x3b9aca00")},
    "nothing ever final": {"eth_getBlockByNumber": lambda params, block: None if params[0] == "finalized" else block},
    "no use of any nonce": {"eth_getTransactionReceipt": always(None), "eth_getTransactionCount": always("0x0")},
    "receipts of other gas": {"eth_getTransactionReceipt": forged(gasUsed="0x1")},
    "a head far ahead": {"eth_getBlockByNumber": ahead_by(10**6)},
    "everything final": {"eth_getBlockByNumber": endless_finality},
    "another chain": {"eth_chainId": always("0xe")},
    "a nonce used long ago": {
        "eth_getTransactionReceipt": always(None),
        "eth_getTransactionCount": always("0x3b9aca00"),
    },
    "another user of the nonce": {
        "eth_getTransactionReceipt": always(None),
        "eth_getTransactionByHash": always(None),
        "eth_getTransactionCount": lambda params, count: "0x1" if params[1] != "0x0" else count,
    },
    "bytes taken and thrown away": {"eth_sendRawTransaction": Instead({"result": "0x" + "11" * 32})},
}


DeskOfThree = Callable[..., tuple[Desk, Liar]]


@pytest.fixture
def desk_of_three(faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar) -> DeskOfThree:
    """A desk whose first endpoint of three lies."""

    def make(**lies: Any) -> tuple[Desk, Liar]:
        liar = start_liar(**lies)
        return replace(faulty_desk, urls=(liar.url, *fault_proxy.urls)), liar

    return make


def settle(desk: Desk, key: str, outbox: EvmOutbox) -> OutboxEntry:
    """Run the task, and the chain, with one process until the entry is settled."""
    for _ in range(60):
        if desk.entry(key).settled:
            break
        desk.step(key, outbox)
        desk.node.mine()
    return desk.entry(key)


@pytest.mark.parametrize("name", LIES)
def test_one_liar_of_three_changes_no_end(desk_of_three: DeskOfThree, name: str) -> None:
    """It comes first in the order and lies from the start: the entry is confirmed by its true receipt, once."""
    desk, _ = desk_of_three(**LIES[name])
    desk = replace(desk, policy=replace(desk.policy, confirmations=None))
    desk.node.mine(3)
    desk.record("pay-1")
    entry = settle(desk, "pay-1", desk.outbox())
    true = desk.node.rpc("eth_getTransactionReceipt", hexadecimal(entry.transaction_hash or b""))

    assert (entry.state, entry.leases, entry.nonce) == (State.CONFIRMED, 1, 0)
    assert (entry.block_number, entry.gas_used) == (int(true["blockNumber"], 16), int(true["gasUsed"], 16))
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("receipts that say reverted", Standing.DISTRUSTED),
        ("a head far ahead", Standing.DISTRUSTED),
        ("another chain", Standing.WRONG_CHAIN),
    ],
)
def test_who_was_caught_is_left_out(desk_of_three: DeskOfThree, name: str, standing: Standing) -> None:
    """The pool knows by then."""
    desk, liar = desk_of_three(**LIES[name])
    pool = desk.pool()
    desk.record("pay-1")
    settle(desk, "pay-1", desk.outbox(pool=pool))

    assert dict(pool.standings())[liar.name] == standing


def test_a_forged_receipt_with_no_majority_settles_nothing(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """One of two says reverted, the other succeeded: the entry waits, somebody is called, and then it goes right."""
    liar = start_liar(eth_getTransactionReceipt=forged(status="0x0"))
    desk = replace(faulty_desk, urls=(liar.url, fault_proxy.urls[0]))
    desk.record("pay-1")
    outbox = desk.outbox()
    for _ in range(40):
        outcome = desk.step("pay-1", outbox)

    assert isinstance(outcome, Retry)
    assert (desk.entry("pay-1").state, desk.entry("pay-1").alarm) == (State.BROADCAST, "no_quorum")
    liar.lies.clear()
    entry = desk.settle("pay-1")
    assert (entry.state, entry.alarm, desk.received("pay-1")) == (State.CONFIRMED, None, 7)


def test_a_receipt_that_only_one_node_calls_final_is_waited_for(
    desk_of_three: DeskOfThree,
) -> None:
    """The first endpoint calls everything final: until the others do, the entry is mined and no more."""
    desk, _ = desk_of_three(**LIES["everything final"])
    desk = replace(desk, policy=replace(desk.policy, confirmations=None))
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    desk.step("pay-1", outbox)

    assert desk.entry("pay-1").state == State.MINED
    assert settle(desk, "pay-1", outbox).state == State.CONFIRMED


def test_a_foreign_use_that_only_one_node_tells_costs_no_second_nonce(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """The bytes are in no block yet, and a liar swears that the nonce is used: no new lease on one word."""
    liar = start_liar(eth_getTransactionCount=always("0x7"))
    desk = replace(faulty_desk, urls=(liar.url, *fault_proxy.urls))
    desk.hold_blocks()
    desk.node.mine(5)
    desk.record("pay-1")
    outbox = desk.outbox()
    for _ in range(6):
        desk.step("pay-1", outbox)

    assert (desk.entry("pay-1").nonce, desk.entry("pay-1").leases) == (0, 1)
    assert settle(desk, "pay-1", outbox).state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_a_receipt_that_only_one_node_invents_does_not_keep_a_stuck_transaction_waiting(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """It is in no block, and a liar says it is in one: the quorum denies it, and it is replaced as any stuck one is."""
    receipt: dict[str, Any] = {}

    def invented(params: list[Any], _result: Any) -> Any:
        return {**receipt, "transactionHash": params[0]}

    liar = start_liar()
    desk = replace(faulty_desk, urls=(liar.url, *fault_proxy.urls))
    desk.record("model")
    receipt.update(
        desk.node.rpc("eth_getTransactionReceipt", hexadecimal(desk.settle("model").transaction_hash or b"")),
        blockNumber="0x3b9aca00",
    )
    liar.lies["eth_getTransactionReceipt"] = invented
    desk.hold_blocks()
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    desk.clock.advance(31)
    for _ in range(3):
        desk.step("pay-1", outbox)

    assert len(desk.entry("pay-1").payloads) == 2
    assert settle(desk, "pay-1", outbox).state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.nonce()) == (7, 2)


def test_a_liars_count_does_not_keep_a_stuck_transaction_from_being_replaced(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """It says that the chain waits for an earlier nonce: two others say that ours is next, and it is overdue."""
    liar = start_liar(eth_getTransactionCount=lambda params, count: "0x0" if params[1] == "latest" else count)
    desk = replace(faulty_desk, urls=(liar.url, *fault_proxy.urls))
    desk.record("first")
    outbox = desk.outbox()
    settle(desk, "first", outbox)
    desk.hold_blocks()
    desk.record("pay-1")
    desk.step("pay-1", outbox)
    desk.clock.advance(31)
    desk.step("pay-1", outbox)

    assert (len(desk.entry("pay-1").payloads), desk.entry("pay-1").alarm) == (2, None)


def test_a_true_foreign_use_is_believed_although_one_node_denies_it(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """Two of three have the foreign transaction in a final block: the entry goes on at a new nonce."""
    liar = start_liar(eth_getTransactionCount=lambda params, count: "0x0" if params[1] != "pending" else count)
    desk = replace(faulty_desk, urls=(fault_proxy.urls[0], liar.url, fault_proxy.urls[1]))
    desk.record("pay-1")
    spend_elsewhere(desk)

    entry = desk.settle("pay-1")
    assert (entry.state, entry.leases, desk.received("pay-1"), desk.nonce()) == (State.CONFIRMED, 2, 7, 2)


@pytest.mark.parametrize("heard", range(1, 4))
def test_a_node_that_refuses_to_tell_parks_nothing(desk: Desk, start_liar: StartLiar, heard: int) -> None:
    """Whichever question it is, and it is the only endpoint: transient, since a nonce hangs on the task."""
    liar = start_liar()
    desk = replace(desk, urls=(liar.url,))
    asked = 0

    def refuse(_params: list[Any], receipt: Any) -> Any:
        nonlocal asked
        asked += 1
        return receipt if asked < heard else Instead({"error": {"code": -32000, "message": "header not found"}})

    desk.record("pay-1")
    desk.step("pay-1")
    desk.clock.advance(31)
    liar.lies["eth_getTransactionReceipt"] = refuse
    with pytest.raises(ChainUnreadable):
        desk.step("pay-1")

    liar.lies.clear()
    desk.clock.advance(LEASE_S)
    assert desk.settle("pay-1").state == State.CONFIRMED


UNACCEPTABLE = Instead({"error": {"code": -32000, "message": "tx fee (1.10 ether) exceeds the configured cap"}})


def test_one_node_that_finds_a_payload_unacceptable_does_not_cancel_it(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """Its cap is its own: the other endpoint was silent at that moment, and takes the same bytes later."""
    refusing = start_liar(eth_sendRawTransaction=UNACCEPTABLE)
    desk = replace(faulty_desk, urls=(refusing.url, fault_proxy.urls[0]))
    fault_proxy["primary"].inject(failure="http_500", methods=("eth_sendRawTransaction",))
    desk.record("pay-1")
    desk.step("pay-1")

    assert (desk.entry("pay-1").state, desk.entry("pay-1").payloads[0].refusal) == (State.SIGNED, None)
    fault_proxy.heal()
    entry = desk.settle("pay-1")
    assert (entry.state, len(entry.payloads), desk.received("pay-1")) == (State.CONFIRMED, 1, 7)


def test_what_every_node_finds_unacceptable_is_cancelled(
    faulty_desk: Desk, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """Two of three say so, and the third says nothing: the quorum is enough, and the nonce is filled."""
    refusing = [start_liar(eth_sendRawTransaction=UNACCEPTABLE) for _ in range(2)]
    desk = replace(faulty_desk, urls=(refusing[0].url, fault_proxy.urls[0], refusing[1].url))
    fault_proxy["primary"].inject(failure="http_500", methods=("eth_sendRawTransaction",))
    desk.record("pay-1")
    desk.step("pay-1")
    fault_proxy.heal()
    for liar in refusing:
        liar.lies.clear()

    entry = desk.settle("pay-1")
    assert (entry.state, entry.reason, desk.received("pay-1")) == (State.CANCELLED, "unacceptable", 0)
