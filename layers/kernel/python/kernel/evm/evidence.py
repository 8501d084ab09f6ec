"""Owns what a quorum of endpoints must say before an entry ends: the receipt, its block, and that the block is final.

1. Each endpoint is asked, in one round trip, for the receipt, for the block that it is said to be in, and for its own
   final block.
2. Its vote is "nothing" while it knows no receipt or does not call that block final; otherwise what the receipt says.
   A receipt that the same endpoint's block does not bear out is a contradiction, and its vote stands alone.
3. What a quorum says is believed; who says otherwise is left out (`kernel.jsonrpc.pool`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kernel.evm.blocks import Receipt, hexadecimal, quantity
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call

Facts = tuple[int, bytes, bool, int, int, int]


def final_receipt(
    pool: RpcPool,
    transaction_hash: bytes,
    block_number: int,
    confirmations: int | None,
    *,
    quorum: int | None = None,
) -> Receipt | None:
    """The receipt that a quorum calls final, or None while it is not; `block_number` is where one node saw it.

    quorum: how many must say so, whoever is away. Raises NoQuorum, RpcUnavailable, WrongChain.
    """
    for _ in range(2):
        calls: list[Call] = [
            ("eth_getTransactionReceipt", [hexadecimal(transaction_hash)]),
            ("eth_getBlockByNumber", [hex(block_number), False]),
            ("eth_getBlockByNumber", ["finalized" if confirmations is None else "latest", False]),
        ]

        def vote(answers: Sequence[Any]) -> Facts | str | None:
            return _vote(answers, transaction_hash, confirmations)

        answers = pool.agreed_batch(calls, by=vote, quorum=quorum)
        if not isinstance(vote(answers), tuple):
            return None
        receipt = Receipt.from_rpc(answers[0])
        if receipt.block_number == block_number:
            return receipt
        block_number = receipt.block_number  # the node that saw it was wrong: look at the block where a quorum has it
    return None


def agreed_receipt(pool: RpcPool, transaction_hash: bytes, *, quorum: int | None = None) -> Receipt | None:
    """The receipt that a quorum knows, final or not, or None when a quorum knows none. Raises NoQuorum and the like."""

    def place(told: Mapping[str, Any] | None) -> tuple[int, bytes] | None:
        if told is None:
            return None
        receipt = receipt_of(transaction_hash, told)
        return receipt.block_number, receipt.block_hash

    asked = [hexadecimal(transaction_hash)]
    told = pool.agreed("eth_getTransactionReceipt", asked, by=place, quorum=quorum)
    return None if told is None else Receipt.from_rpc(told)


def final_block(pool: RpcPool, confirmations: int | None, *, quorum: int | None = None) -> int:
    """The highest block that a quorum calls final; negative while there is none. Raises NoQuorum and the like."""
    tag = "finalized" if confirmations is None else "latest"

    def height(block: Mapping[str, str] | None) -> int:
        return -1 if block is None else last_final(quantity(block["number"]), confirmations)

    return pool.agreed_floor("eth_getBlockByNumber", [tag, False], by=height, quorum=quorum)


def last_final(number: int, confirmations: int | None) -> int:
    """The newest final block, given the number of the block with the finality tag asked for."""
    return number if confirmations is None else number - confirmations + 1


def mined_anywhere(pool: RpcPool, hashes: Sequence[bytes]) -> dict[bytes, Receipt]:
    """Receipts that any believed endpoint knows: hints, since it may lie. Raises RpcUnavailable, WrongChain."""
    found: dict[bytes, Receipt] = {}
    for one in hashes:
        for receipt in pool.everywhere("eth_getTransactionReceipt", [hexadecimal(one)], partial(receipt_of, one)):
            found[one] = receipt
    return found


def receipt_of(transaction_hash: bytes, told: Mapping[str, Any]) -> Receipt:
    """The receipt that a node tells. Raises ValueError for another transaction's, which ends nothing of ours."""
    receipt = Receipt.from_rpc(told)
    if receipt.transaction_hash != transaction_hash:
        raise ValueError("a node answers with another transaction's receipt")
    return receipt


def _vote(answers: Sequence[Any], transaction_hash: bytes, confirmations: int | None) -> Facts | str | None:
    told, block, top = answers
    if told is None or block is None or top is None:
        return None
    receipt = Receipt.from_rpc(told)
    if receipt.block_number > last_final(quantity(top["number"]), confirmations):
        return None
    here = quantity(block["number"]) == receipt.block_number
    borne_out = (
        block["hash"] == hexadecimal(receipt.block_hash) and hexadecimal(transaction_hash) in block["transactions"]
    )
    if receipt.transaction_hash != transaction_hash or (here and not borne_out):
        return f"contradiction in {receipt.block_number}"
    cost = receipt.gas_used, receipt.gas_price_wei, receipt.l1_fee_wei
    return receipt.block_number, receipt.block_hash, receipt.succeeded, *cost
