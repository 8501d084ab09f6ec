"""What we compute, ask and read of Starknet, beside starknet-py: an independent implementation of all of it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starknet_py.cairo.felt import decode_shortstring
from starknet_py.constants import FIELD_PRIME
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call, EventsChunk, StarknetBlockWithTxHashes
from starknet_py.net.full_node_client import FullNodeClient
from starknet_py.serialization.data_serializers.felt_serializer import FeltSerializer
from starknet_py.serialization.data_serializers.payload_serializer import PayloadSerializer
from starknet_py.serialization.data_serializers.uint256_serializer import Uint256Serializer

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
FELT = st.integers(0, FIELD_PRIME - 1)


def encoded(**types: Any) -> PayloadSerializer:
    """Their encoding of named values of these types."""
    return PayloadSerializer(OrderedDict(types))


SET_ORDER_DATA = encoded(
    order_id=Uint256Serializer(), recipient=FeltSerializer(), amount=Uint256Serializer(), fee=Uint256Serializer()
)
CLAIM_PAYMENT_DATA = encoded(order_id=Uint256Serializer(), account=FeltSerializer(), amount=Uint256Serializer())


def test_the_field_and_the_names_of_an_escrow() -> None:
    """Event keys and selectors are the same numbers; the chain's id is its name."""
    names = ("SetOrder", "ClaimPayment", "claim_payment", "get_order_pending")

    assert FIELD_PRIME == PRIME
    assert [get_selector_from_name(name) for name in names] == [
        SET_ORDER,
        CLAIM_PAYMENT,
        CLAIM_PAYMENT_HANDLER,
        GET_ORDER_PENDING,
    ]
    assert "SN_MAIN" == decode_shortstring(STARKNET_CHAIN_ID)


@given(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1).filter(lambda name: name not in ("__default__",)))
def test_any_name(name: str) -> None:
    """Not only those of the escrow."""
    assert get_selector_from_name(name) == sn_keccak(name)


@given(U256, FELT, U256, U256)
def test_the_data_of_a_deposit(order_id: int, recipient: int, amount_wei: int, fee_wei: int) -> None:
    """What they encode we read, whatever the numbers."""
    felts = SET_ORDER_DATA.serialize(
        {"order_id": order_id, "recipient": recipient, "amount": amount_wei, "fee": fee_wei}
    )

    found = decode_deposit(
        "starknet", [SET_ORDER], felts, block_number=1, block_hash=bytes(32), transaction_hash=bytes(32)
    )
    assert (order_id, recipient, amount_wei, fee_wei) == (
        found.key.order_id,
        found.recipient,
        found.amount_wei,
        found.fee_wei,
    )


@given(U256, FELT, U256)
def test_the_data_of_a_repayment_and_of_a_claim(order_id: int, felt: int, amount_wei: int) -> None:
    """They read what we send, and we read what they encode."""
    felts = CLAIM_PAYMENT_DATA.serialize({"order_id": order_id, "account": felt, "amount": amount_wei})

    found = decode_closed([CLAIM_PAYMENT], felts)
    assert (order_id, felt, amount_wei) == (found.order_id, found.account, found.amount_wei)
    assert tuple(felts) == claim_payload(order_id, felt, amount_wei)
    assert tuple(Uint256Serializer().serialize(order_id)) == halves(order_id) == pending_calldata(order_id)


@pytest.mark.parametrize("number", [-1, 2**256])
def test_what_is_no_u256_neither_encodes(number: int) -> None:
    """Below zero and past 256 bits."""
    with pytest.raises(ValueError, match="Uint256"):
        Uint256Serializer().serialize(number)
    with pytest.raises(OverflowError):
        halves(number)


class Peer:
    """Their client, at an endpoint of the network, and our view of the same endpoint."""

    def __init__(self, bench: Bench) -> None:
        pool = bench.pool(Faults(newer=True))
        [self._node] = pool.readers()
        self.network, self.view, self.origin = bench.network, StarknetView(self._node), bench.origin()

    def asks(self, name: str, **params: Any) -> Any:
        """What their client reads, and (in `asked`) what it asked."""

        async def ask() -> Any:
            client = FullNodeClient(node_url=f"http://{self._node.name}")
            return await getattr(client, name)(**params)

        found = asyncio.run(ask())
        self.asked = self.network.asked[-1]["params"]
        return found


@pytest.fixture
def peer(bench: Bench) -> Peer:
    """A deposit with a large id, and its repayment, on the chain."""
    bench.network.mine(bench.network.set_order(2**130 + 5), bench.network.set_order(1))
    bench.network.mine(bench.network.claim_payment(1))
    return Peer(bench)


def ours(peer: Peer, method: str) -> Sequence[Any]:
    """What we asked last by this method."""
    params: Sequence[Any] = [one["params"] for one in peer.network.asked if one["method"] == method][-1]
    return params


def test_both_ask_for_and_read_the_same_events(peer: Peer) -> None:
    """Blocks, hashes, keys and data; they name their parameters, we count them."""
    said = peer.view.events(ESCROW, SET_ORDER, 0, 4)
    asked = {**ours(peer, "starknet_getEvents")[0], "chunk_size": 7}

    chunk: EventsChunk = peer.asks(
        "get_events", address=ESCROW, keys=[[SET_ORDER]], from_block_number=0, to_block_number=4, chunk_size=7
    )

    assert asked == {name: value for name, value in peer.asked["filter"].items() if value is not None}
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
    [block_id] = ours(peer, "starknet_getBlockWithTxHashes")

    block: StarknetBlockWithTxHashes = peer.asks("get_block_with_tx_hashes", block_number=3)

    assert header is not None
    assert {"block_id": block_id} == peer.asked
    assert (block.block_number, block.block_hash, block.parent_hash, block.timestamp) == (
        header.number,
        int.from_bytes(header.hash, "big"),
        int.from_bytes(header.parent_hash, "big"),
        header.time_s,
    )
    assert ("ACCEPTED_ON_L2", False) == (block.status.value, header.is_final)


def test_both_ask_the_escrow_the_same(peer: Peer) -> None:
    """Whether an order waits, at a block by its hash."""
    block = peer.network.chain.blocks[4]
    waits = peer.origin._waits(2**130 + 5, block.hash.to_bytes(32, "big"))
    request, block_id = ours(peer, "starknet_call")

    call = Call(to_addr=ESCROW, selector=get_selector_from_name("get_order_pending"), calldata=list(halves(2**130 + 5)))
    answer = peer.asks("call_contract", call=call, block_hash=block.hash)

    assert {"request": request, "block_id": block_id} == peer.asked
    assert ([1], True) == (answer, waits)


def test_both_estimate_the_same_message(peer: Peer) -> None:
    """The handler, its payload without the sender, and the fee."""
    payment = Payment(order_id=2**130 + 5, recipient=REGISTRY, amount_wei=2**129, chain=STARKNET_CHAIN_ID)
    peer.origin._fee_wei(payment)
    message, block_id = ours(peer, "starknet_estimateMessageFee")

    estimate = peer.asks(
        "estimate_message_fee",
        from_address=message["from_address"],
        to_address=ESCROW,
        entry_point_selector=get_selector_from_name("claim_payment"),
        payload=[5, 4, int(REGISTRY, 16), 0, 2],
        block_number="latest",
    )

    assert {"message": message, "block_id": block_id} == peer.asked
    assert int(SPEC["fee_estimate"]["overall_fee"], 16) == estimate.overall_fee
    assert (
        estimate.overall_fee
        == estimate.l1_gas_consumed * estimate.l1_gas_price
        + estimate.l2_gas_consumed * estimate.l2_gas_price
        + estimate.l1_data_gas_consumed * estimate.l1_data_gas_price
    )
