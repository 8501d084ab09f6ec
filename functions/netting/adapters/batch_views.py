"""Owns the documents of batches, settlements, proofs and statistics. Amounts and the program's numbers are text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import Field

from functions.netting.adapters.batches import StoredBatch, StoredSettlement, stored_batch, stored_settlement
from functions.netting.adapters.intent_views import IntentView, intent_view
from functions.netting.core.batch import BatchState, SettlementState
from functions.netting.core.contents import deltas_of, items_of
from functions.netting.core.packing import InParts
from kernel.amounts import ONE_BPS
from kernel.handler.http import Document

SETTLEMENT: Final = r"^([1-9][0-9]{0,18}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
PENDING_CURSOR: Final = r"^[0-9]{1,15}[.][0-9]{1,20}[.][0-9A-Z]{26}$"
#: A settlement with more items and wallets is shown without them: the pinned metadata have all.
NAMED_MAX: Final = 200


class BatchView(Document):
    """A batch. Its metadata's bytes have `da_hash`, once unpacked; the hashes are in hex.

    Where the optimum was looked for: no clearing of these intents exceeds `optimal_lamports`, `found_lamports` is the
    best that was found, and the clearing rule comes to `rule_lamports`, `share_bps` of the former.
    """

    id: str
    state: BatchState
    intents: int
    accepted: int
    items: int
    wallets: int
    transactions: int
    packing_bound: int
    transactions_saved: int
    traded_lamports: str
    moved_lamports: str
    rule_lamports: str | None
    found_lamports: str | None
    optimal_lamports: str | None
    share_bps: int | None
    result_hash: str
    da_hash: str
    items_root: str
    state_root: str
    failures: int
    netted_at: datetime
    moved_at: datetime


class BatchStory(BatchView):
    """The same with where its metadata are, once they are pinned, and how many of its settlements are where."""

    metadata_cid: str | None
    settlements: dict[SettlementState, int]


class BatchPage(Document):
    """Batches, newest first; `next_cursor` continues them."""

    batches: list[BatchView]
    next_cursor: str | None


class Delta(Document):
    """What a wallet's funds in the program move by."""

    wallet: str
    delta_lamports: str


class Moved(Document):
    """An item and its final owner."""

    item_id: str
    owner: str


class SettlementView(Document):
    """A settlement. `chain_batch`: the number of its present attempt in the program; `parts`: 0 for a whole one.

    `step`: how far one in parts has come. Large ones are shown without `items` and `deltas`.
    """

    batch: str
    ordinal: int
    state: SettlementState
    reason: str | None
    chain_batch: str | None
    attempt: int
    step: int
    parts: int
    entries: int
    items: list[Moved] | None
    deltas: list[Delta] | None
    signature: str | None
    slot: int | None
    moved_at: datetime


class SettlementPage(Document):
    """Settlements in their order; `next_cursor` continues them."""

    settlements: list[SettlementView]
    next_cursor: int | None


class PendingPage(Document):
    """Intents that wait, in priority order; `next_cursor` continues them."""

    intents: list[IntentView]
    next_cursor: str | None


class Branch(Document):
    """A leaf, and its partners on the way to the root; all in hex. What is hashed how is told in the README."""

    root: str
    leaf: str
    proof: list[str]


class ItemProof(Document):
    """That a batch gave an item to this owner: by the tree of its items, and by that of its state.

    The batch decides; whether its settlement is final says `settlement_state`.
    """

    batch: str
    item_id: str
    owner: str
    settlement: int
    settlement_state: SettlementState
    chain_batch: str | None
    items: Branch
    state: Branch


class WalletProof(Document):
    """That a batch moved a wallet's funds by so much."""

    batch: str
    wallet: str
    delta_lamports: str
    state: Branch


class Statistics(Document):
    """What netting saved so far. Without it each accepted intent were a transaction that moves its whole amount.

    `share_bps`: what the clearing rule reached of what no clearing exceeds, of the batches for which that is known.
    """

    batches: int
    open_batches: int
    intents: int
    transactions: int
    packing_bound: int
    transactions_saved: int
    traded_lamports: str
    moved_lamports: str
    moved_bps: int | None
    rule_lamports: str
    found_lamports: str
    optimal_lamports: str
    share_bps: int | None
    pending: int
    oldest_pending_at: datetime | None = Field(description="when the oldest pending intent was received")


def batch_view(row: Mapping[str, Any]) -> BatchView:
    """A batch of its row."""
    return BatchView(**_batch(stored_batch(row)))


def batch_story(batch: StoredBatch, cid: str | None, states: Mapping[SettlementState, int]) -> BatchStory:
    """The same with its settlements."""
    return BatchStory(**_batch(batch), metadata_cid=cid, settlements=dict(states))


def settlement_page(rows: Sequence[Mapping[str, Any]], limit: int) -> SettlementPage:
    """A page of settlements."""
    settlements = [settlement_view(stored_settlement(row)) for row in rows]
    return SettlementPage(settlements=settlements, next_cursor=settlements[-1].ordinal if len(rows) == limit else None)


def settlement_view(one: StoredSettlement) -> SettlementView:
    """One settlement."""
    names = ("ordinal", "state", "reason", "attempt", "step", "entries", "signature", "slot", "moved_at")
    is_small = one.entries <= NAMED_MAX
    items, deltas = (items_of(one.plan).items(), deltas_of(one.plan).items()) if is_small else ((), ())
    return SettlementView(
        **{name: getattr(one, name) for name in names},
        batch=str(one.batch),
        chain_batch=None if one.chain_batch is None else str(one.chain_batch),
        parts=len(one.plan.parts) if isinstance(one.plan, InParts) else 0,
        items=[Moved(item_id=item, owner=owner) for item, owner in items] if is_small else None,
        deltas=[Delta(wallet=wallet, delta_lamports=str(delta)) for wallet, delta in deltas] if is_small else None,
    )


def pending_page(rows: Sequence[Mapping[str, Any]], limit: int) -> PendingPage:
    """A page of intents that wait."""
    last = rows[-1] if len(rows) == limit else None
    cursor = None if last is None else f"{last['created_at_ms']}.{int(last['nonce'])}.{last['id']}"
    return PendingPage(intents=[intent_view(row) for row in rows], next_cursor=cursor)


def branch(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> Branch:
    """A proof in hex."""
    return Branch(root=root.hex(), leaf=leaf.hex(), proof=[one.hex() for one in proof])


def statistics(totals: Mapping[str, Any], queue: Mapping[str, Any], open_batches: int) -> Statistics:
    """What all batches came to."""
    counts = {name: int(totals[name]) for name in ("batches", "intents", "transactions", "packing_bound")}
    amounts = ("traded_lamports", "moved_lamports", "rule_lamports", "found_lamports", "optimal_lamports")
    return Statistics(
        **counts,
        **{name: str(int(totals[name])) for name in amounts},
        open_batches=open_batches,
        transactions_saved=counts["intents"] - counts["transactions"],
        moved_bps=share_bps(totals["moved_lamports"], totals["traded_lamports"]),
        share_bps=share_bps(totals["rule_lamports"], totals["optimal_lamports"]),
        pending=queue["pending"],
        oldest_pending_at=queue["oldest_at"],
    )


def share_bps(part: int | None, whole: int | None) -> int | None:
    """How much of the whole, rounded down; None where there is no whole."""
    return None if part is None or not whole else int(part) * ONE_BPS // int(whole)


def _batch(batch: StoredBatch) -> dict[str, Any]:
    counted = ("state", "intents", "accepted", "items", "wallets", "transactions", "packing_bound", "failures")
    amounts = ("traded_lamports", "moved_lamports", "rule_lamports", "found_lamports", "optimal_lamports")
    return {
        **{name: getattr(batch, name) for name in (*counted, "netted_at", "moved_at")},
        **{name: _text(getattr(batch, name)) for name in amounts},
        **{name: getattr(batch, name).hex() for name in ("result_hash", "da_hash", "items_root", "state_root")},
        "id": str(batch.id),
        "transactions_saved": batch.accepted - batch.transactions,
        "share_bps": share_bps(batch.rule_lamports, batch.optimal_lamports),
    }


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
