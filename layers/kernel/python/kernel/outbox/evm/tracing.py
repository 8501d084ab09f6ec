"""Owns what becomes of an entry whose nonce is used, though the node that was asked knows none of our payloads.

1. Any endpoint knows a receipt of ours: it is ours, and the node that was asked lags or lies.
2. A quorum says up to which block the chain is final, and which transaction used the nonce up to there. None yet: wait.
3. The transaction does exactly what the entry owes, and is no older than the entry: it is the effect. Its receipt, by a
   quorum, is the entry's end. (Last month's rent, paid by hand at the nonce that is leased today, is not this month's.)
4. Otherwise it is foreign, and the nonce is lost for good.

A second payment follows from that, so nobody is left out of the quorum for being away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kernel.evm.blocks import Head, Receipt, hexadecimal
from kernel.evm.evidence import agreed_receipt, final_block, final_receipt, mined_anywhere
from kernel.evm.nonce_use import REORGANISATION_DEPTH_MAX, NonceHistoryUnavailable, NonceUse, nonce_use
from kernel.evm.rpc import RpcPool
from kernel.outbox.evm.entries import OutboxEntry
from kernel.outbox.evm.foreign import is_the_effect

# An entry that was never signed tells no block to search from, so the search goes back in ever longer strides.
STRIDE: Final = 8
# Our clock and a block's time are nearer than this. Within it a payment is taken for ours rather than made twice.
CLOCKS_APART_MAX: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our payloads is mined; by whom that is known may be a liar."""

    receipts: Mapping[bytes, Receipt]


@dataclass(frozen=True, slots=True)
class Adopted:
    """Somebody else's transaction is the effect, finally."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's transaction used the nonce, finally."""

    transaction: str  # its hash, or up to which block it was used


@dataclass(frozen=True, slots=True)
class Untraced:
    """Nothing is proved yet."""


Finding = Ours | Adopted | Foreign | Untraced


def trace(pool: RpcPool, entry: OutboxEntry, confirmations: int | None) -> Finding:
    """Who used the entry's nonce. Raises NoQuorum, NonceHistoryUnavailable, RpcUnavailable, WrongChain."""
    ours = [payload.hash for payload in entry.payloads]
    receipts = mined_anywhere(pool, ours)
    if receipts:
        return Ours(receipts)
    witnesses = pool.unreduced()
    final = final_block(pool, confirmations, quorum=witnesses)
    use = _use(pool, entry, final)
    if use is None or use.transaction_hash in ours:
        return Untraced()
    if use.transaction_hash is None:
        if any(agreed_receipt(pool, one, quorum=witnesses) for one in ours):
            return Untraced()
        return Foreign(f"before block {use.block_number}")
    same = is_the_effect(entry, _transaction(pool, use.transaction_hash))
    if not same or _made_at(pool, use.block_number) < entry.recorded_at - CLOCKS_APART_MAX:
        return Foreign(hexadecimal(use.transaction_hash))
    receipt = final_receipt(pool, use.transaction_hash, use.block_number, confirmations, quorum=witnesses)
    return Untraced() if receipt is None else Adopted(receipt)


def _use(pool: RpcPool, entry: OutboxEntry, final: int) -> NonceUse | None:
    """The use of the nonce in a final block. What happened long before we signed is looked for as far as it goes."""
    first = entry.payloads[0].signed_at_block if entry.payloads else final
    since = max(0, min(first, final) - REORGANISATION_DEPTH_MAX)
    if final <= since:
        return None
    use = nonce_use(pool, entry.signer, entry.nonce, since_block=since, until_block=final)
    while use is not None and use.transaction_hash is None and since > 0:
        since = max(0, final - STRIDE * (final - since))
        try:
            use = nonce_use(pool, entry.signer, entry.nonce, since_block=since, until_block=final)
        except NonceHistoryUnavailable:
            if entry.latest is None:
                raise  # Nothing was signed: whoever used the nonce may have done what we owe.
            return use
    return use


def _made_at(pool: RpcPool, block_number: int) -> datetime:
    """When a quorum says that a final block was made, by its own claim."""

    def told(block: Mapping[str, Any] | None) -> int:
        return Head.from_rpc(block or {}).time_s

    asked = [hex(block_number), False]
    return datetime.fromtimestamp(
        told(pool.agreed("eth_getBlockByNumber", asked, by=told, quorum=pool.unreduced())), UTC
    )


def _transaction(pool: RpcPool, transaction_hash: bytes) -> Mapping[str, Any]:
    """What a quorum says that the transaction does."""
    fields = ("from", "to", "nonce", "value", "input", "chainId")

    def told(transaction: Mapping[str, Any] | None) -> tuple[str, ...] | None:
        return None if transaction is None else tuple(str(transaction.get(one)) for one in fields)

    asked = [hexadecimal(transaction_hash)]
    found: Mapping[str, Any] | None = pool.agreed("eth_getTransactionByHash", asked, by=told, quorum=pool.unreduced())
    return found or {}
