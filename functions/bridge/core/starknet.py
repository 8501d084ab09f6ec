"""Owns the felts of an escrow on Starknet: its event, its question, and the message that has it repay.

A felt is a number below the field's prime, 2^251 + 17 * 2^192 + 1. A u256 is two felts, the low 128 bits first. Names
become numbers by sn_keccak: the low 250 bits of Keccak-256.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.bridge.core.order import Deposit, OrderKey
from kernel.hashes import keccak256

PRIME: Final = 2**251 + 17 * 2**192 + 1
_HALF_BITS: Final = 128
_HALF_LIMIT: Final = 1 << _HALF_BITS
_U256_LIMIT: Final = 1 << 256
# Canonical text has no zeros in front, but some nodes pad.
_FELT: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")


class FeltsMalformed(ValueError):
    """Felts that no escrow emits or answers."""


def felt(text: str) -> int:
    """A felt of a node's answer. Raises FeltsMalformed for other text, and for numbers past the field."""
    number = int(text, 16) if _FELT.fullmatch(text) else PRIME
    if number >= PRIME:
        raise FeltsMalformed("no felt")
    return number


def sn_keccak(name: str) -> int:
    """The number of a name: an event's key, a function's selector."""
    return int.from_bytes(keccak256(name.encode("ascii")), "big") & ((1 << 250) - 1)


SET_ORDER: Final = sn_keccak("SetOrder")
CLAIM_PAYMENT: Final = sn_keccak("ClaimPayment")
CLAIM_PAYMENT_HANDLER: Final = sn_keccak("claim_payment")
GET_ORDER_PENDING: Final = sn_keccak("get_order_pending")


def halves(number: int) -> tuple[int, int]:
    """A u256 as its low and its high 128 bits. Raises OverflowError past 256 bits."""
    if not 0 <= number < _U256_LIMIT:
        raise OverflowError("no u256")
    return number % _HALF_LIMIT, number >> _HALF_BITS


def joined(low: int, high: int) -> int:
    """The u256 of two halves. Raises FeltsMalformed where one is wider than 128 bits."""
    if not (0 <= low < _HALF_LIMIT and 0 <= high < _HALF_LIMIT):
        raise FeltsMalformed("half of a u256 has more than 128 bits")
    return high << _HALF_BITS | low


def decode_deposit(
    origin: str,
    keys: Sequence[int],
    felts: Sequence[int],
    *,
    block_number: int,
    block_hash: bytes,
    transaction_hash: bytes,
) -> Deposit:
    """The order that a SetOrder event sets. Raises FeltsMalformed for an event of something else."""
    if tuple(keys) != (SET_ORDER,) or len(felts) != 7 or not all(0 <= one < PRIME for one in felts):
        raise FeltsMalformed("no SetOrder event of an escrow")
    id_low, id_high, recipient, amount_low, amount_high, fee_low, fee_high = felts
    return Deposit(
        key=OrderKey(origin, joined(id_low, id_high)),
        recipient=recipient,
        amount_wei=joined(amount_low, amount_high),
        fee_wei=joined(fee_low, fee_high),
        block_number=block_number,
        block_hash=block_hash,
        transaction_hash=transaction_hash,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaid:
    """What a ClaimPayment event says: which order, whom the escrow repaid, and the order's amount without its fee."""

    order_id: int
    account: int
    amount_wei: int


def decode_closed(keys: Sequence[int], felts: Sequence[int]) -> Repaid:
    """How an order was closed. Raises FeltsMalformed for an event of something else.

    The event is the deployed escrow's own: { order_id: u256, address: felt, amount: u256 }, nothing of it a key.
    """
    if tuple(keys) != (CLAIM_PAYMENT,) or len(felts) != 5 or not all(0 <= one < PRIME for one in felts):
        raise FeltsMalformed("no ClaimPayment event of an escrow")
    id_low, id_high, account, amount_low, amount_high = felts
    return Repaid(order_id=joined(id_low, id_high), account=account, amount_wei=joined(amount_low, amount_high))


def claim_payload(order_id: int, recipient: int, amount_wei: int) -> tuple[int, ...]:
    """What the registry sends to the handler, for an estimate of the message's fee: the sender is not in it."""
    return (*halves(order_id), recipient, *halves(amount_wei))


def pending_calldata(order_id: int) -> tuple[int, ...]:
    """What `get_order_pending` is asked with."""
    return halves(order_id)


def is_pending(answer: Sequence[int]) -> bool:
    """What it answers. Raises FeltsMalformed."""
    if tuple(answer) not in ((0,), (1,)):
        raise FeltsMalformed("no truth value")
    return answer[0] == 1
