"""The bytes of an escrow of the zkSync kind."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from functions.bridge.core.escrow import (
    CLAIM_PAYMENT,
    SET_ORDER,
    decode_closed,
    decode_deposit,
    is_pending,
    pending_call,
)
from functions.bridge.core.order import OrderKey
from kernel.abi import WordMalformed
from kernel.chain_events import EvmEvent

pytestmark = pytest.mark.unit

RECIPIENT = "0x000000000000000000000000000000000000dEaD"


def event(topics: tuple[bytes, ...], data: bytes) -> EvmEvent:
    """A log of an escrow."""
    return EvmEvent(
        chain_id=324,
        block_number=9,
        block_hash=b"\1" * 32,
        transaction_hash=b"\2" * 32,
        log_index=0,
        address=RECIPIENT,
        topics=topics,
        data=data,
        removed=False,
    )


def test_a_deposit_is_read_from_its_event() -> None:
    """A recipient with leading zero bytes and an id past 64 bits, too."""
    data = encode(["uint256", "address", "uint256", "uint256"], [2**70, RECIPIENT, 100, 3])

    deposit = decode_deposit("zksync", event((SET_ORDER,), data))

    assert (OrderKey("zksync", 2**70), int(RECIPIENT, 16), 100, 3) == (
        deposit.key,
        deposit.recipient,
        deposit.amount_wei,
        deposit.fee_wei,
    )
    assert (9, b"\1" * 32, b"\2" * 32) == (deposit.block_number, deposit.block_hash, deposit.transaction_hash)


@pytest.mark.parametrize(
    ("topics", "words"),
    [((CLAIM_PAYMENT,), 4), ((SET_ORDER, bytes(32)), 4), ((), 4), ((SET_ORDER,), 3), ((SET_ORDER,), 5)],
)
def test_an_event_of_something_else_is_refused(topics: tuple[bytes, ...], words: int) -> None:
    """Another name, indexed words, more or fewer of them."""
    with pytest.raises(WordMalformed):
        decode_deposit("zksync", event(topics, bytes(32 * words)))


def test_a_closed_order_is_read_from_its_event() -> None:
    """By its id, with its amount."""
    data = encode(["uint256", "address", "uint256"], [17, RECIPIENT, 100])

    assert (17, 100) == decode_closed((CLAIM_PAYMENT,), data)


def test_whether_an_order_waits_to_be_repaid() -> None:
    """Only the escrow knows."""
    assert bytes(keccak(text="is_order_pending(uint256)")[:4]) + encode(["uint256"], [17]) == pending_call(17)
    assert (True, False) == (is_pending(encode(["bool"], [True])), is_pending(encode(["bool"], [False])))
    with pytest.raises(WordMalformed):
        is_pending(b"")
