"""What follows from the end of a transaction, the authority's or a wallet's: all of it commits with the end itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from functions.netting.adapters.batches import Batches, StoredSettlement
from functions.netting.adapters.lane import Lane
from functions.netting.adapters.ledgers_opened import Ledgers
from functions.netting.adapters.lookup_tables import LookupTables
from functions.netting.adapters.roots import Roots
from functions.netting.adapters.wallet_ends import WalletEnds
from functions.netting.core.batch import SettlementEvent
from functions.netting.core.packing import InParts
from functions.netting.core.program_errors import name_of
from functions.netting.core.sending import FAILURES_ALARMED
from kernel.handler import count
from kernel.outbox.solana import SolanaEntry, State
from kernel.postgres import Transaction
from kernel.treasury.solana import ending_of
from kernel.treasury.treasury import Treasury

if TYPE_CHECKING:
    from functions.netting.wiring import Deps

logger = logging.getLogger(__name__)

#: Under which the outbox knows a transfer of the treasury's.
_TREASURY: Final = "treasury/"
#: Nothing of it can land any more.
EXPIRED: Final = "expired"


class Ends:
    """Ends of settlements, openings, tables and roots."""

    def __init__(
        self,
        batches: Batches,
        lane: Lane,
        ledgers: Ledgers,
        tables: LookupTables,
        roots: Roots,
        treasury: Treasury,
        wallets: WalletEnds,
    ) -> None:
        self._batches, self._lane, self._ledgers = batches, lane, ledgers
        self._tables, self._roots, self._treasury, self._wallets = tables, roots, treasury, wallets

    def settled(self, tx: Transaction, entry: SolanaEntry) -> None:
        """Book the end of an outbox entry, and move on what it was for."""
        if self._wallets.concern(entry):
            self._wallets.settled(tx, entry)
            return
        transfer = entry.business_key.removeprefix(_TREASURY)
        self._move(tx, transfer, entry)
        confirmed = entry.state == State.CONFIRMED
        self._ledgers.ended(tx, transfer, confirmed=confirmed)
        self._tables.ended(tx, transfer, usable_at=entry.slot if confirmed else None)
        self._roots.ended(tx, transfer, signature=entry.signature if confirmed else None)
        # Last: whoever asks for an obligation holds the lane and the settlement before the wallet's books, too.
        self._treasury.settled(tx, ending_of(entry))

    def _move(self, tx: Transaction, transfer: str, entry: SolanaEntry) -> None:
        whose = self._lane.whose(tx, transfer)
        if whose is None:
            return
        batch, ordinal, attempt, step = whose
        settlement = self._batches.settlement(tx, batch, ordinal, lock=True)
        reason = _reason(entry)
        self._lane.end(tx, transfer, str(entry.state), reason)
        if (settlement.attempt, settlement.step) != (attempt, step):
            return  # a part that has landed long since, or one that its successor's failure has overtaken
        if reason is not None:
            self._fail(tx, settlement, reason)
        elif not isinstance(settlement.plan, InParts) or step == len(settlement.plan.parts):
            self._batches.move(tx, settlement, SettlementEvent.SETTLE, signature=entry.signature, slot=entry.slot)

    def _fail(self, tx: Transaction, settlement: StoredSettlement, reason: str) -> None:
        """It waits again, for another look and another number."""
        self._batches.move(tx, settlement, SettlementEvent.FAIL, reason=reason)
        failures = self._batches.batch(tx, settlement.batch).failures
        if failures >= FAILURES_ALARMED:
            place = {"batch": str(settlement.batch), "ordinal": settlement.ordinal}
            told = {"alarm": "netting.settlement_failures", "failures": failures, "reason": reason, **place}
            tx.after_commit(lambda: _alarm(told))


def _alarm(told: Mapping[str, Any]) -> None:
    logger.error("A batch's settlements fail again and again.", extra=told)
    count("netting_alarms")


def _reason(entry: SolanaEntry) -> str | None:
    """Why an obligation had no effect; None where it had one."""
    if entry.state == State.CONFIRMED:
        return None
    return name_of(entry.error) if entry.state == State.FAILED else EXPIRED


def ends_of(deps: Deps) -> Ends:
    """As this container is set up."""
    return Ends(deps.batches, deps.lane, deps.ledgers, deps.lookup_tables, deps.roots, deps.treasury, deps.wallets.ends)
