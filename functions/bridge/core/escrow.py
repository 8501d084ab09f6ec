"""Owns the bytes of an escrow of the zkSync kind: its events and its questions, and what such a chain gives back."""

from collections.abc import Sequence
from typing import Final

from functions.bridge.core.order import Deposit, OrderKey
from kernel.abi import WordMalformed, address_of_word, uint_word, uint_words
from kernel.chain_events import EvmEvent
from kernel.hashes import keccak256

#: Nothing is indexed: all is in the words.
SET_ORDER: Final = keccak256(b"SetOrder(uint256,address,uint256,uint256)")
CLAIM_PAYMENT: Final = keccak256(b"ClaimPayment(uint256,address,uint256)")
#: The contract that a zkSync chain's ether is, and its word for what is made of ether that was paid on L1.
L2_ETHER: Final = address_of_word(0x800A)
MINT: Final = keccak256(b"Mint(address,uint256)")
#: By so much the address of a contract of L1 is another on L2.
_ALIAS: Final = 0x1111000000000000000000000000000000001111
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


def decode_mint(topics: Sequence[bytes], data: bytes) -> tuple[str, int]:
    """Who was given how much by a Mint event of L2's ether. Raises WordMalformed for one of something else."""
    if len(topics) != 2 or topics[0] != MINT:
        raise WordMalformed("no Mint event of L2's ether")
    [amount_wei] = uint_words(data, 1)
    [account] = uint_words(topics[1], 1)
    return address_of_word(account), amount_wei


def alias(address: str) -> str:
    """Who a contract of L1 is on L2."""
    return address_of_word((int(address, 16) + _ALIAS) % 2**160)


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
