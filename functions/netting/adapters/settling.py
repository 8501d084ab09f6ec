"""Settles batches: gives the lane to one settlement after the other, and takes it back when a block holds it.

1. `look` reads what comes next, and the chain for it (`prospects.py`).
2. `take`, in one transaction that holds the lane:
   a. the settlement that has the lane goes on (`occupant.py`): once a block holds it, or its last part, the lane is
      free; of one in parts the next part is recorded when a block holds the former;
   b. if the lane is free, and nothing has changed since the look, what comes next gets a number above all others, and
      its obligation is recorded in the outbox. Or it is given up, where it can never be.
3. `ended`, in the transaction that ends an obligation: a settlement that failed waits again.

*Why nothing settles twice.* The program takes each number once, and only above the last. A settlement gets another
number only after each of its obligations is over: failed in a final block, or proven dead by two RPCs, so that none of
its former transactions can have an effect any more. A block that held one may be dropped, and a later settlement
overtake it: then its number is below the last, the program refuses it, and that refusal is its end. One in parts that
has begun keeps its number: the program counts its parts, and takes each once.

A task lives until all of its batch is final, or given up. So whoever dies here leaves a task that is taken again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from functions.netting.adapters.aftermath import Aftermath
from functions.netting.adapters.batches import Batches, StoredSettlement
from functions.netting.adapters.lane import Lane, Q, Standing
from functions.netting.adapters.ledgers_opened import Ledgers
from functions.netting.adapters.occupant import Occupant
from functions.netting.adapters.prospects import Prospect, Prospects
from functions.netting.adapters.recording import Recording
from functions.netting.adapters.settle_steps import SettleBatch
from functions.netting.core.batch import OPEN, SettlementState
from functions.netting.core.sending import GiveUp, Hold, Open
from kernel.errors import Transient
from kernel.handler import count
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Outcome, Retry
from kernel.treasury import ServiceHalted
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

if TYPE_CHECKING:
    from functions.netting.wiring import Deps

logger = logging.getLogger(__name__)

AWAY_S: Final = 5.0
HELD_S: Final = 30.0
OPENING_S: Final = 2.0
FINALITY_S: Final = 2.0


class Settling:
    """The way of batches onto the chain."""

    def __init__(
        self,
        postgres: Postgres,
        batches: Batches,
        lane: Lane,
        ledgers: Ledgers,
        prospects: Prospects,
        recording: Recording,
        occupant: Occupant,
        aftermath: Aftermath,
        *,
        poll_s: float,
    ) -> None:
        self._postgres, self._batches, self._lane, self._ledgers = postgres, batches, lane, ledgers
        self._prospects, self._recording, self._aftermath = prospects, recording, aftermath
        self._occupant, self._poll_s = occupant, poll_s

    def look(self, step: SettleBatch) -> Prospect:
        """What comes next; it waits where the chain cannot be read."""
        try:
            found = self._prospects.look(step.batch)
            if found.settlement is None and found.waits is None:
                return replace(found, facts=self._aftermath.look(step.batch))
            return found
        except Transient as away:
            # What is on its way must not wait for a reading that only the next needs.
            return Prospect(batch=step.batch, waits=f"the chain cannot be read: {away.code}")

    def take(self, found: Prospect, *, fence: Fence) -> Outcome:
        """Move the lane on, and send what may be sent."""
        try:
            with self._postgres.transaction(holding=fence) as tx:
                return self._take(tx, found)
        except (Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown) as refused:
            return Retry(HELD_S, refused.message)

    def _take(self, tx: Transaction, found: Prospect) -> Outcome:
        standing = self._lane.hold(tx)
        if self._occupant.goes_on(tx, standing):
            return Retry(self._poll_s, "a settlement is on its way")
        if found.waits is not None:
            return Retry(AWAY_S, found.waits)
        if found.settlement is None:
            return self._finish(tx, found)
        settlement = self._batches.settlement(tx, found.batch, found.settlement.ordinal, lock=True)
        if settlement != found.settlement:
            return Retry(0.0, "the settlement changed meanwhile")
        self._ledgers.seen(tx, found.seen)
        return self._go(tx, settlement, found, standing)

    def _go(self, tx: Transaction, settlement: StoredSettlement, found: Prospect, standing: Standing) -> Outcome:
        match found.move:
            case Open(wallets):
                opened = self._ledgers.open(tx, wallets)
                return Retry(OPENING_S, f"{opened} ledgers are being opened" if opened else "ledgers are being opened")
            case GiveUp(reason):
                self._batches.abandon(tx, settlement, reason)
                return Retry(0.0, f"given up: {reason}")
            case Hold(reason, calls):
                if calls:
                    _alarm(settlement, reason)
                return Retry(HELD_S, f"held: {reason}")
        self._recording.send(tx, settlement, found, standing)
        return Retry(self._poll_s, "sent")

    def _finish(self, tx: Transaction, found: Prospect) -> Outcome:
        """All is sent: once all of it is final come the last steps."""
        states = {SettlementState(row["state"]) for row in tx.all(Q["standings"], batch=found.batch)}
        if states & (OPEN - {SettlementState.SETTLED}):
            return Retry(FINALITY_S, "the last transactions are not final")
        return self._aftermath.take(tx, found.batch, found.facts)


def _alarm(settlement: StoredSettlement, reason: str) -> None:
    place = {"batch": str(settlement.batch), "ordinal": settlement.ordinal}
    logger.error("A settlement needs a person.", extra={"alarm": f"netting.{reason}", **place})
    count("netting_alarms")


def settling_of(deps: Deps) -> Settling:
    """As this container is set up."""
    postgres, batches, lane = deps.kernel.postgres, deps.batches, deps.lane
    authority = deps.settings.authority
    recording = Recording(batches, lane, deps.calls, deps.lookup_tables, deps.obligations, deps.clock)
    return Settling(
        postgres,
        batches,
        lane,
        deps.ledgers,
        Prospects(postgres, batches, lane, deps.ledgers, deps.readings, authority=authority),
        recording,
        Occupant(batches, lane, recording),
        deps.aftermath,
        poll_s=deps.settings.poll_s,
    )
