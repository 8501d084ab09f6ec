"""Compares the books with the program's accounts, wallet by wallet and in sum, every minute.

1. Books and readings are compared as one moment has both. What differs twice alike is stored, and told as an alarm
   (`core/reconciliation.py`). Nothing is corrected: either the chain moved what nobody told us, or we have booked what
   it did not move.
2. The accounts whose readings are oldest are read again, so that each is read within hours, whatever was told or
   hidden. What such a reading shows too early has a minute to be told before it is compared.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from functions.netting.adapters.index import Index
from functions.netting.core.books import CLEARING, OUTSIDE
from functions.netting.core.reconciliation import (
    CLEARING_SUBJECT,
    OUTSIDE_SUBJECT,
    Kept,
    Reading,
    Turn,
    turns,
)
from kernel.handler.telemetry import count
from kernel.postgres import Queries, Transaction

logger = logging.getLogger(__name__)
Q: Final = Queries.load(Path(__file__).with_name("reconciling.sql"))
#: Read again in a turn: so many wallets and so many items, by a call for each hundred.
RENEWED_MAX: Final = 200
#: Told in a turn; more than these are the same mistake.
DIFFERENCES_MAX: Final = 1_000


class Reconciling:
    """The turns of the comparison."""

    def __init__(self, index: Index, asset: str) -> None:
        self._postgres, self._reading, self._holdings = index.tasks.postgres, index.reading, index.holdings
        self._clock, self._asset = index.clock, asset

    def renew(self) -> int:
        """Read the oldest readings again; how many. Raises NoQuorum, ProgramUnfit."""
        with self._postgres.transaction() as tx:
            oldest = self._holdings.oldest(tx, RENEWED_MAX)
        held = self._reading.accounts([*oldest.wallets, *oldest.items], as_of_slot=oldest.slot)
        with self._postgres.transaction() as tx:
            self._holdings.keep(tx, held.values())
            for address, item in oldest.items.items():
                if held[address].account is None:
                    self._holdings.forget(tx, item, oldest.slot)
        return len(held)

    def compare(self) -> list[tuple[Turn, str]]:
        """Compare everything; what became of each difference."""
        with self._postgres.transaction() as tx:
            kept = [_kept(row) for row in tx.all(Q["open_differences"])]
            differing = {one.subject: one for one in self._differing(tx)}
            moved, now = turns(list(differing.values()), kept), self._clock.now()
            for turn, subject in moved:
                self._move(tx, turn, subject, differing.get(subject), now)
            tx.execute(Q["forget_unconfirmed"])
        count("netting_differences", sum(1 for turn, _ in moved if turn is Turn.CONFIRM))
        return moved

    def differences(self, *, below: int, limit: int) -> Sequence[Mapping[str, Any]]:
        """What differed, newest first."""
        with self._postgres.transaction() as tx:
            return tx.all(Q["page"], below=below, limit=limit)

    def _differing(self, tx: Transaction) -> list[Reading]:
        rows = tx.all(Q["differing"], asset=self._asset, limit=DIFFERENCES_MAX)
        sums = tx.one(Q["sums"], asset=self._asset, outside=OUTSIDE, clearing=CLEARING)
        clearing = int(sums["clearing_lamports"])
        subjects = [*map(_reading, rows)]
        booked = {OUTSIDE_SUBJECT: (int(sums["outside_lamports"]) - clearing, int(sums["chain_lamports"]))}
        if not sums["is_settling"]:  # a batch in parts holds something in between
            booked[CLEARING_SUBJECT] = (clearing, 0)
        for subject, (books, chain) in booked.items():
            if books != chain:
                subjects.append(
                    Reading(subject=subject, booked_lamports=books, chain_lamports=chain, slot=int(sums["slot"]))
                )
        return subjects

    def _move(self, tx: Transaction, turn: Turn, subject: str, reading: Reading | None, now: datetime) -> None:
        if turn is Turn.END or reading is None:
            tx.execute(Q["end"], subject=subject, now=now)
        elif turn is Turn.BEGIN:
            amounts = {"booked_lamports": reading.booked_lamports, "chain_lamports": reading.chain_lamports}
            tx.execute(Q["begin"], subject=subject, **amounts, slot=reading.slot, now=now)
        else:
            tx.execute(Q["confirm"], subject=subject, now=now)
            tx.after_commit(lambda: _tell(reading))


def _tell(reading: Reading) -> None:
    fields = {
        "subject": reading.subject,
        "booked_lamports": str(reading.booked_lamports),
        "chain_lamports": str(reading.chain_lamports),
    }
    logger.error("The books and the program's accounts differ.", extra={"alarm": "netting.difference"} | fields)
    count("netting_alarms")


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(
        subject=row["subject"],
        booked_lamports=int(row["booked_lamports"]),
        chain_lamports=int(row["chain_lamports"]),
        slot=row["slot"],
    )


def _kept(row: Mapping[str, Any]) -> Kept:
    return Kept(
        subject=row["subject"],
        booked_lamports=int(row["booked_lamports"]),
        chain_lamports=int(row["chain_lamports"]),
        is_confirmed=row["confirmed_at"] is not None,
    )
