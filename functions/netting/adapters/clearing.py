"""Reads what a batch is cleared from, and holds it: nothing of it changes until the caller's transaction is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from functions.netting.core.batching import LIFE_S, BatchSizes, batch_size
from functions.netting.core.netting import Royalty
from functions.netting.core.plan import Market, PendingIntent
from functions.netting.core.times import unix_ms
from kernel.errors import Transient
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("planning.sql"))


class PlanOvertaken(Transient):
    """Something that a batch counted on was spoken for while it was planned."""

    cause = "A wallet asked for its item or its funds in the same moment."
    remedy = "Nothing: nothing was stored, and the batch is planned anew."


@dataclass(frozen=True, slots=True)
class Queue:
    """The intents that may be netted now: those that a batch takes, and whether there is to be one."""

    ids: Sequence[str]
    is_due: bool


def queue_of(tx: Transaction, now: datetime, sizes: BatchSizes) -> Queue:
    """The first intents in priority, as many as fit one batch."""
    rows = tx.all(Q["eligible"], oldest_ms=oldest_ms(now), most=sizes.most)
    fresh = rows[0]["fresh"] if rows else 0
    wait_ms = unix_ms(now) - rows[0]["fresh_since_ms"] if fresh else 0
    return Queue(ids=[row["id"] for row in rows], is_due=batch_size(fresh, wait_ms / 1_000, sizes) > 0)


def market_of(tx: Transaction, ids: Sequence[str]) -> Market:
    """The market of those of these intents that are still pending.

    Everybody locks in one order: intents, items, balances, reservations, sessions. Raises PlanOvertaken where an owner
    has asked for an item meanwhile.
    """
    intents = [
        PendingIntent(
            id=row["id"],
            item_id=row["item_id"],
            seller=row["seller"],
            buyer=row["buyer"],
            amount_lamports=row["amount_lamports"],
            nonce=int(row["nonce"]),
            created_at=row["created_at_ms"],
        )
        for row in tx.all(Q["lock_intents"], ids=list(ids))
    ]
    items = tx.all(Q["hold_items"], items=sorted({one.item_id for one in intents}))
    if any(row["requested_at"] is not None for row in items):
        raise PlanOvertaken
    balances = tx.all(Q["hold_balances"], wallets=sorted({one.buyer for one in intents}))
    return Market(
        intents=intents,
        owners={row["item_id"]: row["owner"] for row in items if row["owner"] is not None},
        balances={row["wallet"]: row["available_lamports"] for row in balances},
        royalties={
            row["item_id"]: Royalty(creator=row["creator"], bps=row["royalty_bps"])
            for row in items
            if row["royalty_bps"]
        },
    )


def oldest_ms(now: datetime) -> int:
    """An intent that was made then or before is not netted any more."""
    return unix_ms(now - timedelta(seconds=LIFE_S))
