"""Reads the chain for the settlement that comes next: what its accounts hold, and what that lets us do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from functions.netting.adapters.aftermath import Facts
from functions.netting.adapters.batches import Batches, StoredBatch, StoredSettlement
from functions.netting.adapters.lane import Attempt, Lane, Q, begun_under
from functions.netting.adapters.ledgers_opened import Ledgers
from functions.netting.adapters.program_accounts import Readings
from functions.netting.core.accounts import ClearingAccount
from functions.netting.core.batch import BatchState
from functions.netting.core.contents import deltas_of, items_of, settlement_of
from functions.netting.core.packing import InParts
from functions.netting.core.sending import Hold, Move, Open, Reason, Seen, decide
from kernel.postgres import Postgres, Transaction

#: What a batch still waits for, as its task's record says.
UNPINNED: Final = "its metadata is not pinned yet"
UNFINISHED: Final = "an earlier transaction of the settlement is not over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What comes next of a batch. settlement: None where nothing waits to be sent, or `waits` says for what it does.

    last_batch_id: of the program. clearing: of one in parts that has begun. seen: wallets whose ledgers are there.
    numbers: of its items, in the program. facts: for the last steps of a batch that is final.
    """

    batch: UUID
    settlement: StoredSettlement | None = None
    waits: str | None = None
    move: Move | None = None
    last_batch_id: int = 0
    clearing: ClearingAccount | None = None
    seen: frozenset[str] = frozenset()
    numbers: Mapping[str, int] = field(default_factory=dict)
    facts: Facts | None = None


class Prospects:
    """Where the next settlement of a batch stands."""

    def __init__(
        self, postgres: Postgres, batches: Batches, lane: Lane, ledgers: Ledgers, readings: Readings, *, authority: str
    ) -> None:
        self._postgres, self._batches, self._lane = postgres, batches, lane
        self._ledgers, self._readings, self._authority = ledgers, readings, authority

    def look(self, batch: UUID) -> Prospect:
        """What comes next. Raises NoQuorum, RpcUnavailable, ProgramUnfit, BatchUnknown."""
        with self._postgres.transaction() as tx:
            settlement = self._batches.next_waiting(tx, batch)
            if settlement is None:
                return Prospect(batch=batch)
            if tx.one(Q["is_unpinned"], batch=batch)["waits"]:
                return Prospect(batch=batch, waits=UNPINNED)
            attempts = self._lane.attempts(tx, settlement)
            if any(one.ended is None for one in attempts):
                return Prospect(batch=batch, waits=UNFINISHED)
            unknown = self._ledgers.unknown(tx, self._paid(tx, self._batches.batch(tx, batch)))
            known = items_stored(tx, settlement)
        as_of_slot = max((one.slot or 0 for one in attempts), default=0)
        if unknown:
            there = self._readings.ledgers(unknown)
            missing = tuple(wallet for wallet in unknown if wallet not in there)
            if missing:
                return Prospect(batch=batch, settlement=settlement, move=Open(missing), seen=frozenset(there))
        return self._prospect(batch, settlement, attempts, known, frozenset(unknown), as_of_slot)

    def _prospect(
        self,
        batch: UUID,
        settlement: StoredSettlement,
        attempts: Sequence[Attempt],
        known: Mapping[str, Mapping[str, Any]],
        opened: frozenset[str],
        as_of_slot: int,
    ) -> Prospect:
        plan = settlement.plan
        numbers = {item: row["item_number"] for item, row in known.items()}
        config = self._readings.config(as_of_slot)
        begun = begun_under(attempts) if isinstance(plan, InParts) else None
        clearing = None if begun is None else self._readings.clearing(begun, as_of_slot)
        held = self._readings.items([numbers[item] for item in items_of(plan)], as_of_slot)
        seen = Seen(
            authority=self._authority,
            config=config,
            ledgers=self._readings.ledgers([*deltas_of(plan)], as_of_slot),
            items={item: held[numbers[item]] for item in items_of(plan) if numbers[item] in held},
            owners={item: row["owner"] for item, row in known.items()},
        )
        has_taken = clearing is not None and clearing.next_part > 0
        move = decide(plan, seen, attempts=len(attempts), has_taken=has_taken)
        if begun is not None and clearing is None:
            move = Hold(Reason.STUCK, calls=True)
        return Prospect(
            batch=batch,
            settlement=settlement,
            move=move,
            last_batch_id=config.last_batch_id,
            clearing=clearing,
            seen=opened | frozenset(seen.ledgers),
            numbers=numbers,
        )

    def _paid(self, tx: Transaction, batch: StoredBatch) -> set[str]:
        """Wallets that the batch is to pay, asked before its first settlement is sent."""
        if batch.state != BatchState.NETTED:
            return set()
        plans = [settlement_of(row["content"]) for row in tx.all(Q["waiting_contents"], batch=batch.id)]
        return {wallet for plan in plans for wallet, delta in deltas_of(plan).items() if delta > 0}


def items_stored(tx: Transaction, settlement: StoredSettlement) -> dict[str, dict[str, Any]]:
    """What is stored of a settlement's items, by their ids."""
    return {row["item_id"]: row for row in tx.all(Q["items"], items=[*items_of(settlement.plan)])}
