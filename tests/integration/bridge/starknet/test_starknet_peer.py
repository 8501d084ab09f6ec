"""What we compute, ask and read of Starknet, beside starknet-py: an independent implementation of all of it."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.adapters.starknet_rpc import StarknetView
from functions.bridge.core.registry import STARKNET_CHAIN_ID, Payment
from functions.bridge.core.starknet import (
    CLAIM_PAYMENT,
    CLAIM_PAYMENT_HANDLER,
    GET_ORDER_PENDING,
    PRIME,
    SET_ORDER,
    claim_payload,
    decode_closed,
    decode_deposit,
    halves,
    pending_calldata,
    sn_keccak,
)
from tests.integration.bridge.starknet.bench import REGISTRY, Bench
from tests.integration.bridge.starknet.network import ESCROW, SPEC, Faults

pytestmark = pytest.mark.integration

U256 = st.integers(0, 2**256 - 1)
FELT = st.integers(0, PRIME - 1)


@pytest.fixture(scope="module")
def theirs() -> ModuleType:
    """starknet-py."""
    from tests.integration.bridge.starknet import theirs

    return theirs


def test_the_field_and_the_names_of_an_escrow(theirs: ModuleType) -> None:
    """Event keys and selectors are the same numbers; the chain's id is its name."""
    names = ("SetOrder", "ClaimPayment", "claim_payment", "get_order_pending")

    assert theirs.FIELD_PRIME == PRIME
    assert [theirs.get_selector_from_name(name) for name in names] == [
        SET_ORDER,
        CLAIM_PAYMENT,
        CLAIM_PAYMENT_HANDLER,
        GET_ORDER_PENDING,
    ]
    assert "SN_MAIN" == theirs.decode_shortstring(STARKNET_CHAIN_ID)


@given(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1))
def test_any_name(theirs: ModuleType, name: str) -> None:
    """Not only those of the escrow."""
    assert theirs.get_selector_from_name(name) == sn_keccak(name)


@given(U256, FELT, U256, U256)
def test_the_data_of_a_deposit(
    theirs: ModuleType, order_id: int, recipient: int, amount_wei: int, fee_wei: int
) -> None:
    """What they encode we read, whatever the numbers."""
    felts = theirs.felts(
        order_id=("u256", order_id), recipient=("felt", recipient), amount=("u256", amount_wei), fee=("u256", fee_wei)
    )
    place: dict[str, Any] = {"block_number": 1, "block_hash": bytes(32), "transaction_hash": bytes(32)}

    found = decode_deposit("starknet", [SET_ORDER], felts, **place)
    assert (order_id, recipient, amount_wei, fee_wei) == (
        found.key.order_id,
        found.recipient,
        found.amount_wei,
        found.fee_wei,
    )


@given(U256, FELT, U256)
def test_the_data_of_a_repayment_and_of_a_claim(theirs: ModuleType, order_id: int, felt: int, amount_wei: int) -> None:
    """They read what we send, and we read what they encode."""
    felts = theirs.felts(order_id=("u256", order_id), account=("felt", felt), amount=("u256", amount_wei))

    found = decode_closed([CLAIM_PAYMENT], felts)
    assert (order_id, felt, amount_wei) == (found.order_id, found.account, found.amount_wei)
    assert tuple(felts) == claim_payload(order_id, felt, amount_wei)
    assert tuple(theirs.u256(order_id)) == halves(order_id) == pending_calldata(order_id)


@pytest.mark.parametrize("number", [-1, 2**256])
def test_what_is_no_u256_neither_encodes(theirs: ModuleType, number: int) -> None:
    """Below zero and past 256 bits."""
    with pytest.raises(ValueError, match="Uint256"):
        theirs.u256(number)
    with pytest.raises(OverflowError):
        halves(number)


class Peer:
    """Their client at an endpoint of the network, and our view of the same endpoint."""

    def __init__(self, bench: Bench, theirs: ModuleType) -> None:
        [node] = bench.pool(Faults(newer=True)).readers()
        self._url, self._theirs = f"http://{node.name}", theirs
        self.network, self.view, self.origin = bench.network, StarknetView(node), bench.origin()

    def reads(self, name: str, **params: Any) -> tuple[Any, Any]:
        """What their client asks, and what it reads."""
        found = self._theirs.answer(self._url, name, **params)
        return self.network.asked[-1]["params"], found

    def ours(self, method: str) -> Sequence[Any]:
        """What we asked last by this method."""
        params: Sequence[Any] = [one["params"] for one in self.network.asked if one["method"] == method][-1]
        return params


@pytest.fixture
def peer(bench: Bench, theirs: ModuleType) -> Peer:
    """A deposit with a large id, and a repayment, on the chain."""
    bench.network.mine(bench.network.set_order(2**130 + 5), bench.network.set_order(1))
    bench.network.mine(bench.network.claim_payment(1))
    return Peer(bench, theirs)


def test_both_ask_for_and_read_the_same_events(peer: Peer) -> None:
    """Blocks, hashes, keys and data; they name their parameters, we count them."""
    said = peer.view.events(ESCROW, SET_ORDER, 0, 4)
    ours = {**peer.ours("starknet_getEvents")[0], "chunk_size": 7}

    asked, chunk = peer.reads(
        "get_events", address=ESCROW, keys=[[SET_ORDER]], from_block_number=0, to_block_number=4, chunk_size=7
    )

    assert ours == {name: value for name, value in asked["filter"].items() if value is not None}
    assert 2 == len(said)
    assert [(one.block_number, one.block_hash, one.transaction_hash, one.keys, one.data) for one in chunk.events] == [
        (
            one.block_number,
            int.from_bytes(one.block_hash, "big"),
            int.from_bytes(one.transaction_hash, "big"),
            list(one.keys),
            list(one.data),
        )
        for one in said
    ]


def test_both_ask_for_and_read_the_same_block(peer: Peer) -> None:
    """By its height."""
    header = peer.view.block(3)
    [block_id] = peer.ours("starknet_getBlockWithTxHashes")

    asked, block = peer.reads("get_block_with_tx_hashes", block_number=3)

    assert header is not None
    assert {"block_id": block_id} == asked
    assert (block.block_number, block.block_hash, block.parent_hash, block.timestamp) == (
        header.number,
        int.from_bytes(header.hash, "big"),
        int.from_bytes(header.parent_hash, "big"),
        header.time_s,
    )
    assert ("ACCEPTED_ON_L2", False) == (block.status.value, header.is_final)


def test_both_ask_the_escrow_the_same(peer: Peer, theirs: ModuleType) -> None:
    """Whether an order waits, at a block by its hash."""
    block_hash = peer.network.chain.blocks[4].hash
    waits = peer.origin._waits(2**130 + 5, block_hash.to_bytes(32, "big"))
    request, block_id = peer.ours("starknet_call")

    selector = theirs.get_selector_from_name("get_order_pending")
    call = theirs.Call(to_addr=ESCROW, selector=selector, calldata=theirs.u256(2**130 + 5))
    asked, answer = peer.reads("call_contract", call=call, block_hash=block_hash)

    assert {"request": request, "block_id": block_id} == asked
    assert ([1], True) == (answer, waits)


def test_both_estimate_the_same_message(peer: Peer, theirs: ModuleType) -> None:
    """The handler, its payload without the sender, and the fee."""
    payment = Payment(order_id=2**130 + 5, recipient=REGISTRY, amount_wei=2**129, chain=STARKNET_CHAIN_ID)
    fee_wei = peer.origin._fee_wei(payment)
    message, block_id = peer.ours("starknet_estimateMessageFee")

    asked, estimate = peer.reads(
        "estimate_message_fee",
        from_address=message["from_address"],
        to_address=ESCROW,
        entry_point_selector=theirs.get_selector_from_name("claim_payment"),
        payload=[*theirs.u256(2**130 + 5), int(REGISTRY, 16), *theirs.u256(2**129)],
        block_number="latest",
    )

    assert {"message": message, "block_id": block_id} == asked
    assert int(SPEC["fee_estimate"]["overall_fee"], 16) == estimate.overall_fee == fee_wei
    assert (
        estimate.overall_fee
        == estimate.l1_gas_consumed * estimate.l1_gas_price
        + estimate.l2_gas_consumed * estimate.l2_gas_price
        + estimate.l1_data_gas_consumed * estimate.l1_data_gas_price
    )
