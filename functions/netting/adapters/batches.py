"""Batches and their settlements in Postgres: every change of their state, in the caller's transaction.

A settlement that is to be moved is locked first, then its batch: the batch follows in the same commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting.core.batch import (
    BatchState,
    BatchTransitionRefused,
    SettlementEvent,
    SettlementState,
    batch_after,
    batch_event,
    settlement_after,
)
from functions.netting.core.contents import settlement_of
from functions.netting.core.packing import Settlement
from kernel.clock import Clock
from kernel.errors import NotFound
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("batches.sql"))
#: What ends a row of failures.
_SUCCESSES: Final = frozenset((SettlementEvent.SETTLE, SettlementEvent.INDEX))


class BatchUnknown(NotFound):
    """There is no such batch, or no such settlement of it."""

    cause = "The id is misspelt, or nothing was netted under it."
    remedy = "Take ids from GET /v1/netting/batches/recent."
    example = '{"batch": "019a9b6e-0000-7000-8000-000000000000"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A row of netting.batches; the migration says what its columns mean."""

    id: UUID
    state: BatchState
    intents: int
    accepted: int
    items: int
    wallets: int
    transactions: int
    packing_bound: int
    traded_lamports: int
    moved_lamports: int
    rule_lamports: int | None
    found_lamports: int | None
    optimal_lamports: int | None
    result_hash: bytes
    da_hash: bytes
    items_root: bytes
    state_root: bytes
    failures: int
    netted_at: datetime
    moved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettlement:
    """A row of netting.settlements. `plan` is what it settles: items by their text ids, and deltas."""

    batch: UUID
    ordinal: int
    plan: Settlement
    entries: int
    state: SettlementState
    attempt: int
    chain_batch: int | None
    step: int
    reason: str | None
    signature: str | None
    slot: int | None
    moved_at: datetime

    @property
    def row(self) -> dict[str, Any]:
        """What names its row."""
        return {"batch": self.batch, "ordinal": self.ordinal}


class Batches:
    """The tables of batches and settlements."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def batch(self, tx: Transaction, batch_id: UUID, *, lock: bool = False) -> StoredBatch:
        """One batch, held until the commit if asked for. Raises BatchUnknown."""
        row = tx.maybe(Q["lock_batch" if lock else "batch"], id=batch_id)
        if row is None:
            raise BatchUnknown(batch=str(batch_id))
        return stored_batch(row)

    def settlement(self, tx: Transaction, batch: UUID, ordinal: int, *, lock: bool = False) -> StoredSettlement:
        """One settlement, held until the commit if asked for. Raises BatchUnknown."""
        row = tx.maybe(Q["lock_settlement" if lock else "settlement"], batch=batch, ordinal=ordinal)
        if row is None:
            raise BatchUnknown(batch=str(batch), ordinal=ordinal)
        return stored_settlement(row)

    def numbered(self, tx: Transaction, chain_batch: int) -> StoredSettlement | None:
        """The settlement whose present attempt has this number in the program, held until the commit."""
        row = tx.maybe(Q["lock_settlement_by_number"], chain_batch=chain_batch)
        return None if row is None else stored_settlement(row)

    def next_waiting(self, tx: Transaction, batch: UUID) -> StoredSettlement | None:
        """The first settlement of a batch that is still to be sent, held until the commit."""
        row = tx.maybe(Q["lock_next_waiting"], batch=batch)
        return None if row is None else stored_settlement(row)

    def move(
        self,
        tx: Transaction,
        settlement: StoredSettlement,
        event: SettlementEvent,
        *,
        reason: str | None = None,
        attempt: int | None = None,
        chain_batch: int | None = None,
        step: int | None = None,
        signature: str | None = None,
        slot: int | None = None,
    ) -> StoredSettlement:
        """The settlement after the event; what is None but the reason stays as it is. Its batch follows.

        A failure is counted with its batch, a success ends the count. Raises BatchTransitionRefused.
        """
        state = settlement_after(settlement.state, event)
        named = {"attempt": attempt, "chain_batch": chain_batch, "step": step, "signature": signature, "slot": slot}
        moves = {"state": state, "state_left": settlement.state, "reason": reason, "now": self._clock.now()}
        row = tx.maybe(Q["move_settlement"], **settlement.row, **named, **moves)
        if row is None:
            raise BatchTransitionRefused(state=settlement.state, event=event, batch=str(settlement.batch))
        if event is SettlementEvent.FAIL or event in _SUCCESSES:
            tx.execute(Q["count_failures"], id=settlement.batch, failed=event is SettlementEvent.FAIL)
        self._follow(tx, settlement.batch)
        return stored_settlement(row)

    def release(self, tx: Transaction, settlement: StoredSettlement) -> int:
        """Give back what the settlement has reserved; how many items and wallets."""
        return tx.execute(Q["release_reservations"], **settlement.row)

    def abandon(self, tx: Transaction, settlement: StoredSettlement, reason: str) -> StoredSettlement:
        """Give a settlement up: its reservations are released, and its intents pending again, with the reason."""
        moved = self.move(tx, settlement, SettlementEvent.ABANDON, reason=reason)
        self.release(tx, moved)
        tx.execute(Q["return_intents"], **moved.row, reason=reason, now=self._clock.now())
        return moved

    def _follow(self, tx: Transaction, batch_id: UUID) -> None:
        batch = self.batch(tx, batch_id, lock=True)
        states = {SettlementState(row["state"]) for row in tx.all(Q["states_of_settlements"], batch=batch_id)}
        event = batch_event(batch.state, states)
        if event is not None:
            left, state = batch.state, batch_after(batch.state, event)
            tx.one(Q["move_batch"], id=batch_id, state=state, state_left=left, now=self._clock.now())


def stored_batch(row: Mapping[str, Any]) -> StoredBatch:
    """The batch of a row."""
    read: dict[str, Any] = {name: row[name] for name in StoredBatch.__slots__}
    read["state"] = BatchState(row["state"])
    read |= {name: int(row[name]) for name in _AMOUNTS if row[name] is not None}
    read |= {name: bytes(row[name]) for name in _HASHES}
    return StoredBatch(**read)


def stored_settlement(row: Mapping[str, Any]) -> StoredSettlement:
    """The settlement of a row."""
    named = {name: row[name] for name in StoredSettlement.__slots__ if name not in ("plan", "state")}
    return StoredSettlement(plan=settlement_of(row["content"]), state=SettlementState(row["state"]), **named)


_AMOUNTS: Final = ("traded_lamports", "moved_lamports", "rule_lamports", "found_lamports", "optimal_lamports")
_HASHES: Final = ("result_hash", "da_hash", "items_root", "state_root")
