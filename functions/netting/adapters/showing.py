"""Shows batches, what they did to whom, and how anybody can check that."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from functions.netting.adapters import batch_views as views
from functions.netting.adapters.batches import Batches, BatchUnknown, StoredBatch
from functions.netting.core import merkle
from functions.netting.core.batch import SettlementState, business_key
from functions.netting.core.contents import deltas_of, items_of, settlement_of
from functions.netting.core.state_root import StateTree, cash_leaf, ownership_leaf
from kernel.errors import NotFound
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("showing.sql"))
NEWEST: Final = UUID(int=2**128 - 1)
#: Trees of so many batches are remembered: what a batch decided never changes, and of the largest it takes seconds.
TREES_REMEMBERED: Final = 2


class NotInBatch(NotFound):
    """The batch did nothing to this item, or this wallet."""

    cause = "None of its accepted intents moved it; or what the wallet sold and bought cancels out."
    remedy = "Look for the batch in the item's history, GET /v1/netting/items/{id}/history."
    example = '{"batch": "019a9b6e-0000-7000-8000-000000000000", "item_id": "item-7"}'


@dataclass(frozen=True, slots=True)
class Trees:
    """What a batch decided, and both trees over it. ordinals: of each item's settlement."""

    owners: dict[str, str]
    deltas: dict[str, int]
    ordinals: dict[str, int]
    items: merkle.Tree
    state: StateTree


class Showing:
    """What anybody may see of batches."""

    def __init__(self, postgres: Postgres, batches: Batches) -> None:
        self._postgres, self._batches = postgres, batches
        self._trees: OrderedDict[UUID, Trees] = OrderedDict()

    def recent(self, below: UUID | None, *, limit: int) -> views.BatchPage:
        """Batches, newest first."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["recent_batches"], below=below or NEWEST, limit=limit)
        batches = [views.batch_view(row) for row in rows]
        return views.BatchPage(batches=batches, next_cursor=batches[-1].id if len(batches) == limit else None)

    def story(self, batch: UUID) -> views.BatchStory:
        """One batch. Raises BatchUnknown."""
        with self._postgres.transaction() as tx:
            stored = self._batches.batch(tx, batch)
            counted = tx.all(Q["settlements_by_state"], batch=batch)
            pin = tx.maybe(Q["metadata_pin"], business_key=business_key(batch, "metadata"))
        states = {SettlementState(row["state"]): row["settlements"] for row in counted}
        return views.batch_story(stored, None if pin is None else pin["cid"], states)

    def settlements(self, name: str, *, after: int, limit: int) -> views.SettlementPage:
        """The settlement of a number in the program, or those of a batch. Raises BatchUnknown."""
        with self._postgres.transaction() as tx:
            if name.isdigit():
                rows = tx.all(Q["settlement_by_number"], chain_batch=int(name))
                if not rows:
                    raise BatchUnknown(chain_batch=name)
                return views.settlement_page(rows, limit=limit + 1)
            batch = self._batches.batch(tx, UUID(name))
            return views.settlement_page(
                tx.all(Q["settlements_page"], batch=batch.id, after=after, limit=limit), limit=limit
            )

    def pending(self, cursor: str | None, *, limit: int) -> views.PendingPage:
        """Intents that wait, in priority order."""
        created_at, nonce, intent = (cursor or "0.0.").split(".")
        named = {"created_at_ms": int(created_at), "nonce": int(nonce), "id": intent}
        with self._postgres.transaction() as tx:
            return views.pending_page(tx.all(Q["pending_page"], **named, limit=limit), limit)

    def item_proof(self, batch: UUID, item: str) -> views.ItemProof:
        """Who got an item, and the proof. Raises BatchUnknown, NotInBatch."""
        with self._postgres.transaction() as tx:
            stored = self._batches.batch(tx, batch)
            trees = self._trees_of(tx, batch)
            if item not in trees.owners:
                raise NotInBatch(batch=str(batch), item_id=item)
            settlement = self._batches.settlement(tx, batch, trees.ordinals[item])
        owner = trees.owners[item]
        leaf, state_leaf = merkle.leaf(item, owner), ownership_leaf(batch, item, owner)
        return views.ItemProof(
            batch=str(batch),
            item_id=item,
            owner=owner,
            settlement=settlement.ordinal,
            settlement_state=settlement.state,
            chain_batch=None if settlement.chain_batch is None else str(settlement.chain_batch),
            items=views.branch(stored.items_root, leaf, trees.items.proof(item)),
            state=views.branch(stored.state_root, state_leaf, trees.state.item_proof(item)),
        )

    def wallet_proof(self, batch: UUID, wallet: str) -> views.WalletProof:
        """What a wallet's funds moved by, and the proof. Raises BatchUnknown, NotInBatch."""
        with self._postgres.transaction() as tx:
            stored: StoredBatch = self._batches.batch(tx, batch)
            trees = self._trees_of(tx, batch)
        if wallet not in trees.deltas:
            raise NotInBatch(batch=str(batch), wallet=wallet)
        delta = trees.deltas[wallet]
        proof = trees.state.wallet_proof(wallet)
        return views.WalletProof(
            batch=str(batch),
            wallet=wallet,
            delta_lamports=str(delta),
            state=views.branch(stored.state_root, cash_leaf(batch, wallet, delta), proof),
        )

    def statistics(self) -> views.Statistics:
        """What netting saved so far."""
        with self._postgres.transaction() as tx:
            totals, queue, still = (tx.one(Q[name]) for name in ("totals", "queue", "open_batches"))
        return views.statistics(totals, queue, still["open_batches"])

    def _trees_of(self, tx: Transaction, batch: UUID) -> Trees:
        if batch not in self._trees:
            self._trees[batch] = _trees(tx, batch)
            while len(self._trees) > TREES_REMEMBERED:
                self._trees.popitem(last=False)
        return self._trees[batch]


def _trees(tx: Transaction, batch: UUID) -> Trees:
    owners: dict[str, str] = {}
    deltas: dict[str, int] = {}
    ordinals: dict[str, int] = {}
    for row in tx.all(Q["contents"], batch=batch):
        plan = settlement_of(row["content"])
        owners |= items_of(plan)
        deltas |= deltas_of(plan)
        ordinal: int = row["ordinal"]
        ordinals |= dict.fromkeys(items_of(plan), ordinal)
    return Trees(owners, deltas, ordinals, merkle.Tree(owners), StateTree(batch, owners, deltas))
