"""Owns what a consumer asks of a Solana cluster about an event that it was told: whether it stands, and what it says.

1. A transaction stands when a quorum, whoever is away, calls its signature finalized in one slot, and tells the
   transaction of that slot alike: what it did, moved and said are as the cluster has them, and of what was told only
   the place is taken.
2. Otherwise it is open, until it can land no more: no blockhash lives for as long as `LANDS_WITHIN_SLOTS` after the
   slot that it was told in, so where a quorum has come that far, still keeps that slot, and nobody knows the signature,
   it is gone for good. (One over a durable nonce may come later still: its money shows as a difference of the wallet.)
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, Final

from kernel.chain_events import SolanaEvent
from kernel.jsonrpc.pool import canonical
from kernel.jsonrpc.quorum import NoQuorum
from kernel.solana.history import ConfirmedTransaction
from kernel.solana.pool import SolanaPool
from kernel.solana.program_cursor.hearing import reading_of
from kernel.watches.hints import Unsettled

#: The 150 blocks of a blockhash, where more than two slots of three are skipped.
LANDS_WITHIN_SLOTS: Final = 512
FINALIZED: Final = {"commitment": "finalized", "encoding": "json", "maxSupportedTransactionVersion": 0}


def landed(pool: SolanaPool, told: SolanaEvent) -> ConfirmedTransaction | Unsettled:
    """The event's transaction as the final cluster has it, also one that failed; or why there is none.

    Raises NoQuorum, RpcUnavailable, WrongChain.
    """
    quorum = pool.unreduced()
    [status] = pool.agreed_statuses([told.signature], quorum=quorum)
    if status is None:
        return Unsettled.GONE if _can_land_no_more(pool, told, quorum) else Unsettled.OPEN
    if not status.is_final:
        return Unsettled.OPEN

    def facts(found: Mapping[str, Any] | None) -> Hashable:
        if found is None:
            return None
        transaction = ConfirmedTransaction.from_rpc(found)
        if (transaction.signature, transaction.slot) != (told.signature, status.slot):
            raise ValueError("a node answers with another transaction")
        reading = reading_of(transaction)
        moved = (tuple(sorted(transaction.lamports.items())), transaction.tokens)
        return canonical(transaction.error), moved, transaction.instructions, reading and reading.said

    found = pool.agreed("getTransaction", [told.signature, FINALIZED], by=facts, quorum=quorum)
    return Unsettled.OPEN if found is None else ConfirmedTransaction.from_rpc(found)


def settled(pool: SolanaPool, told: SolanaEvent) -> SolanaEvent | Unsettled:
    """The event as the final cluster has it, never a retraction; or why there is none. Raises what `landed` raises."""
    transaction = landed(pool, told)
    if isinstance(transaction, Unsettled):
        return transaction
    true = replace(told, slot=transaction.slot, succeeded=transaction.error is None, removed=False)
    if not told.instruction_path:
        return true
    reading = reading_of(transaction)
    said = reading.said if reading is not None else ()
    place = (told.instruction_path, told.ordinal)
    found = next((one for one in said if (one.path, one.ordinal) == place), None)
    return Unsettled.GONE if found is None else replace(true, program=found.program, data=found.data)


def _can_land_no_more(pool: SolanaPool, told: SolanaEvent, quorum: int) -> bool:
    try:
        reached = told.slot + LANDS_WITHIN_SLOTS
        [known] = pool.agreed_statuses([told.signature], as_of_slot=reached, quorum=quorum)
        return known is None and pool.history_start_slot(quorum=quorum) <= told.slot
    except NoQuorum:
        return False  # too few have come that far
