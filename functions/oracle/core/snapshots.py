"""Owns whether a decision saw a point: the transaction that stored the point against the snapshot the decision read in.

Clocks cannot tell. A point that was being stored while the decision read carries an earlier time than the decision and
was not seen; the number of its transaction and the list of those that were open at that moment can.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Self

from kernel.errors import Broken


class SnapshotUnreadable(Broken):
    """A stored snapshot is not in the form in which Postgres writes them."""

    cause = "The row was written by hand, or by another version."
    remedy = "Look at the snapshot in details; a round whose snapshot is lost cannot be replayed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one statement could see. Numbers are those of transactions, which Postgres gives out in ascending order."""

    #: All below have ended.
    oldest_open: int
    #: This one and all above had not begun.
    next_unused: int
    #: Those between that were open.
    open: AbstractSet[int]

    @classmethod
    def of(cls, text: str) -> Self:
        """From `pg_current_snapshot()::text`: oldest:next:open,open. Raises SnapshotUnreadable."""
        try:
            oldest, following, between = text.split(":")
            return cls(
                oldest_open=int(oldest),
                next_unused=int(following),
                open=frozenset(int(number) for number in between.split(",") if number),
            )
        except ValueError:
            raise SnapshotUnreadable(snapshot=text[:200]) from None

    def sees(self, stored_in: int | None) -> bool:
        """Whether what a transaction stored was visible; None is a point from before transactions were noted."""
        if stored_in is None or stored_in < self.oldest_open:
            return True
        return stored_in < self.next_unused and stored_in not in self.open
