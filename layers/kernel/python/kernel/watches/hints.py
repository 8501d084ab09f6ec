"""Owns what a consumer asks of an EVM chain about an event that it was told: whether it stands, and what it says.

1. Until the event's height is final, by a quorum that nobody's absence reduces, everything is open: forks come and go.
2. Then a quorum tells the transaction's receipt. If it is of the event's own block, and has a log with the event's
   index, the event stands, and what it says is what the receipt says: of what was told only the place is taken. The
   height, too, is the receipt's: where another was told, and the receipt's is not final, the event is still open.
3. Otherwise it is gone for good: another block is final at that height.

Both the event's task and its retraction's end by the same answer, whichever of them comes first.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from kernel.chain_events import EvmEvent
from kernel.evm.blocks import Log, hexadecimal
from kernel.evm.evidence import final_block, receipt_of
from kernel.evm.rpc import RpcPool


class Unsettled(StrEnum):
    """Why an event has no contents to act on."""

    OPEN = "open"  # its height is not final: look again later
    GONE = "gone"  # another block is final there


def settled(pool: RpcPool, told: EvmEvent, confirmations: int | None) -> EvmEvent | Unsettled:
    """The event as the final chain has it, never a retraction; or why there is none.

    confirmations: how many blocks make one final, its own included; None asks for the node's `finalized` tag. Raises
    NoQuorum, RpcUnavailable, WrongChain.
    """
    quorum = pool.unreduced()
    final = final_block(pool, confirmations, quorum=quorum)
    if final < told.block_number:
        return Unsettled.OPEN

    def logs_of(found: Mapping[str, Any] | None) -> tuple[Log, ...]:
        if found is None:
            return ()
        receipt = receipt_of(told.transaction_hash, found)
        return receipt.logs if receipt.block_hash == told.block_hash else ()

    asked = [hexadecimal(told.transaction_hash)]
    logs = logs_of(pool.agreed("eth_getTransactionReceipt", asked, by=logs_of, quorum=quorum))
    found = next((log for log in logs if log.log_index == told.log_index), None)
    if found is None:
        return Unsettled.GONE
    if found.block_number > final:
        return Unsettled.OPEN
    return replace(
        told,
        block_number=found.block_number,
        address=found.address,
        topics=found.topics,
        data=found.data,
        removed=False,
    )
