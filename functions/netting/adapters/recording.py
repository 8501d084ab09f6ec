"""Records the transactions of a settlement: which number, which instruction, with how much set aside for it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from functions.netting.adapters.batches import Batches, StoredSettlement
from functions.netting.adapters.lane import Lane, Standing
from functions.netting.adapters.lookup_tables import LookupTables
from functions.netting.adapters.obligations import Effect, Obligations, rent_lamports
from functions.netting.adapters.program_accounts import CLEARING_SIZE_BYTES, Calls, Numbered
from functions.netting.adapters.prospects import Prospect
from functions.netting.core.batch import SettlementEvent
from functions.netting.core.packing import InParts
from kernel.clock import Clock
from kernel.postgres import Transaction
from kernel.solana.transactions import Instruction

#: Nearly twice what is measured (tests/unit/netting/program/test_program_units.py): 7 600 with 21 entries.
CALL_UNITS, ENTRY_UNITS = 4_000, 400
#: Its account is made at an address that is searched for: 6 500 where it is found at once, 1 500 more a step.
BEGIN_UNITS: Final = 45_000
#: Nothing is signed later: the accounts were read for what is sent now.
WANTED: Final = timedelta(seconds=120)


class Recording:
    """Obligations of settlements, in the transaction that holds the lane."""

    def __init__(
        self,
        batches: Batches,
        lane: Lane,
        calls: Calls,
        tables: LookupTables,
        obligations: Obligations,
        clock: Clock,
    ) -> None:
        self._batches, self._lane, self._calls = batches, lane, calls
        self._tables, self._obligations, self._clock = tables, obligations, clock

    def send(self, tx: Transaction, settlement: StoredSettlement, found: Prospect, standing: Standing) -> None:
        """Give a settlement the lane and a number above all others; one in parts that has begun keeps its own."""
        attempt, step = settlement.attempt + 1, 0
        chain_batch = max(standing.last_chain_batch, found.last_batch_id) + 1
        if found.clearing is not None:
            chain_batch, step = found.clearing.batch_id, found.clearing.next_part + 1
        event = SettlementEvent.SEND
        sent = self._batches.move(tx, settlement, event, attempt=attempt, chain_batch=chain_batch, step=step)
        self._record(tx, sent, found.numbers, is_first=step == 0)

    def next_part(self, tx: Transaction, settlement: StoredSettlement, known: Mapping[str, Mapping[str, Any]]) -> None:
        """Send the part after the one that has landed."""
        sent = self._batches.move(tx, settlement, SettlementEvent.STEP, step=settlement.step + 1)
        self._record(tx, sent, {item: row["item_number"] for item, row in known.items()}, is_first=False)

    def _record(
        self, tx: Transaction, settlement: StoredSettlement, numbers: Mapping[str, int], *, is_first: bool
    ) -> None:
        step, chain_batch = settlement.step, settlement.chain_batch or 0
        instruction = self._instruction(tx, settlement, chain_batch, Numbered(numbers))
        begins = is_first and isinstance(settlement.plan, InParts)
        key = self._lane.keep(tx, settlement, attempt=settlement.attempt, step=step, chain_batch=chain_batch)
        effect = Effect(
            key=key,
            instructions=[instruction],
            units=BEGIN_UNITS if begins else CALL_UNITS + ENTRY_UNITS * len(instruction.accounts),
            tables=self._tables.used(tx, instruction),
            rent_lamports=rent_lamports(CLEARING_SIZE_BYTES) if begins else 0,
            # What has begun goes on to its end.
            valid_until=self._clock.now() + WANTED if is_first else None,
            reason="settles a batch",
        )
        self._obligations.record(tx, effect)

    def _instruction(
        self, tx: Transaction, settlement: StoredSettlement, chain_batch: int, numbered: Numbered
    ) -> Instruction:
        plan, step = settlement.plan, settlement.step
        if isinstance(plan, InParts) and step > 0:
            return self._calls.settle_part(chain_batch, step - 1, plan.parts[step - 1], numbered)
        batch_hash = self._batches.batch(tx, settlement.batch).result_hash
        if isinstance(plan, InParts):
            return self._calls.begin_parts(chain_batch, len(plan.parts), batch_hash)
        return self._calls.settle_net_batch(chain_batch, batch_hash, plan, numbered)
