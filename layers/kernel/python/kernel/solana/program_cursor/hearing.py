"""Owns what a transaction said, as far as several endpoints tell it: which of their logs is believed (pure).

Two whole logs that say the same are believed, or one where nobody else has any. Two that differ are a dispute. Where
every log is cut off or unreadable, what came before the cut is believed, and the transaction counts as unheard: its
consumers are told to look at all of it, and a person is told to look at the endpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kernel.solana.history import ConfirmedTransaction
from kernel.solana.program_cursor.program_logs import LogsUnreadable, Reading, Said, read

TRUNCATED: Final = "logs_truncated"
UNREADABLE: Final = "logs_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a transaction said; `missing` names why more may have been said than came."""

    said: tuple[Said, ...]
    missing: str | None = None


class Contradiction(Exception):
    """Two endpoints tell two whole logs of one transaction, and they differ."""


def hear(transactions: Sequence[ConfirmedTransaction]) -> Heard:
    """What the transaction said, told by at least one endpoint. Raises Contradiction."""
    readings = [reading for one in transactions if (reading := reading_of(one)) is not None]
    whole = {reading.said for reading in readings if not reading.is_truncated}
    if len(whole) > 1:
        raise Contradiction(transactions[0].signature)
    if whole:
        return Heard(said=whole.pop())
    if readings:
        return Heard(said=max((reading.said for reading in readings), key=len), missing=TRUNCATED)
    return Heard(said=(), missing=UNREADABLE)


def reading_of(transaction: ConfirmedTransaction) -> Reading | None:
    """The transaction's log as one endpoint tells it; None when it does not fit the instructions."""
    outer = [one.program for one in transaction.instructions if "." not in one.path]
    programs = {one.path: one.program for one in transaction.instructions}
    try:
        reading = read(transaction.logs, outer, succeeded=transaction.error is None)
    except LogsUnreadable:
        return None
    fits = all(programs.get(said.path) == said.program for said in reading.said)
    return reading if fits else None
