"""What follows when all of a batch is final: its outcome is pinned, its root told, its accounts come into tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.netting.adapters.batches import Batches
from functions.netting.adapters.lane import Q
from functions.netting.adapters.lookup_tables import LookupTables
from functions.netting.adapters.program_accounts import Readings
from functions.netting.adapters.roots import Roots
from functions.netting.core.batch import BatchState, business_key
from functions.netting.core.contents import deltas_of, items_of, settlement_of
from kernel.pinning import Kept, Pinning
from kernel.postgres import Postgres, Transaction
from kernel.solana.pool import SolanaPool
from kernel.tasks import Done, Outcome, Retry

if TYPE_CHECKING:
    from functions.netting.wiring import Deps

ROOT_S: Final = 2.0
#: Batches that moved something, and are final.
_FINAL: Final = frozenset((BatchState.SETTLED, BatchState.INDEXED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read of the chain for a batch that is final, and its outcome, which the bucket has."""

    last_root: int
    slot: int
    outcome: Kept


class Aftermath:
    """The last steps of a batch's task."""

    def __init__(
        self,
        postgres: Postgres,
        batches: Batches,
        readings: Readings,
        pool: SolanaPool,
        pinning: Pinning,
        roots: Roots,
        tables: LookupTables,
    ) -> None:
        self._postgres, self._batches, self._readings, self._pool = postgres, batches, readings, pool
        self._pinning, self._roots, self._tables = pinning, roots, tables

    def look(self, batch: UUID) -> Facts | None:
        """What the last steps need; None while the batch is not final, or when nothing of it was settled.

        Raises NoQuorum, RpcUnavailable, ProgramUnfit, StoreUnavailable.
        """
        with self._postgres.transaction() as tx:
            stored = self._batches.batch(tx, batch)
            if stored.state not in _FINAL:
                return None
            settlements = tx.all(Q["outcome"], batch=batch)
        root = self._readings.state_root()
        told = {
            "version": "1.0",
            "batch": str(batch),
            "metadata_hash": stored.da_hash.hex(),
            "settlements": [_told(row) for row in settlements],
        }
        kept = self._pinning.keep(json.dumps(told, separators=(",", ":")).encode(), media_type="application/json")
        return Facts(last_root=0 if root is None else root.batch_id, slot=self._pool.slot(), outcome=kept)

    def take(self, tx: Transaction, batch: UUID, facts: Facts | None) -> Outcome:
        """Take them in a transaction that holds the lane. Raises what `Obligations.record` raises."""
        stored = self._batches.batch(tx, batch)
        if stored.state not in _FINAL:
            return Done({"state": str(stored.state)})
        if facts is None:
            return Retry(0.0, "the batch has become final")
        if not self._roots.is_settled(tx, batch):
            if self._roots.send(tx, stored, last_number=facts.last_root):
                self._pinning.record(tx, business_key(batch, "outcome"), facts.outcome)
                self._want_tables(tx, batch)
            return Retry(ROOT_S, "its root is on its way")
        if self._tables.grow(tx, facts.slot):
            return Retry(ROOT_S, "its accounts come into lookup tables")
        return Done({"state": str(stored.state)})

    def _want_tables(self, tx: Transaction, batch: UUID) -> None:
        plans = [settlement_of(row["content"]) for row in tx.all(Q["contents"], batch=batch)]
        numbers = {
            row["item_id"]: row["item_number"]
            for row in tx.all(Q["items"], items=[item for plan in plans for item in items_of(plan)])
        }
        for plan in plans:
            self._tables.want(tx, [(item, numbers[item]) for item in items_of(plan)], deltas_of(plan))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A settlement's outcome as anybody may read it."""
    return {name: row[name] for name in ("ordinal", "state", "chain_batch", "signature", "slot", "reason")}


def aftermath_of(deps: Deps) -> Aftermath:
    """As this container is set up."""
    kernel = deps.kernel
    return Aftermath(
        kernel.postgres, deps.batches, deps.readings, deps.pool, kernel.pinning, deps.roots, deps.lookup_tables
    )
