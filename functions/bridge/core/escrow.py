"""Owns the bytes of an escrow of the zkSync kind: its events and its questions."""

from collections.abc import Sequence
from typing import Final

from functions.bridge.core.order import Deposit, OrderKey
from kernel.abi import WordMalformed, uint_word, uint_words
from kernel.chain_events import EvmEvent
from kernel.hashes import keccak256

#: Nothing is indexed: all is in the words.
SET_ORDER: Final = keccak256(b"SetOrder(uint256,address,uint256,uint256)")
CLAIM_PAYMENT: Final = keccak256(b"ClaimPayment(uint256,address,uint256)")
_IS_ORDER_PENDING: Final = keccak256(b"is_order_pending(uint256)")[:4]


def decode_deposit(origin: str, event: EvmEvent) -> Deposit:
    """The order that a SetOrder event sets. Raises WordMalformed for an event of something else."""
    order_id, recipient, amount_wei, fee_wei = _words(event.topics, event.data, SET_ORDER, 4)
    return Deposit(
        key=OrderKey(origin, order_id),
        recipient=recipient,
        amount_wei=amount_wei,
        fee_wei=fee_wei,
        block_number=event.block_number,
        block_hash=event.block_hash,
        transaction_hash=event.transaction_hash,
    )


def decode_closed(topics: Sequence[bytes], data: bytes) -> tuple[int, int]:
    """Id and amount of the order that a ClaimPayment event closes. Raises WordMalformed for one of something else."""
    order_id, _, amount_wei = _words(topics, data, CLAIM_PAYMENT, 3)
    return order_id, amount_wei


def pending_call(order_id: int) -> bytes:
    """The calldata that asks whether an order waits to be repaid."""
    return _IS_ORDER_PENDING + uint_word(order_id)


def is_pending(answer: bytes) -> bool:
    """What the escrow answers to it. Raises WordMalformed."""
    [pending] = uint_words(answer, 1)
    return pending != 0


def _words(topics: Sequence[bytes], data: bytes, wanted: bytes, count: int) -> tuple[int, ...]:
    if tuple(topics) != (wanted,):
        raise WordMalformed("no such event of an escrow")
    return uint_words(data, count)
