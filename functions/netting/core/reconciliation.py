"""Owns what it means that the books and the program's accounts differ, and when a person is told.

A reading may show what is not booked yet: a settlement lands, an account is read, and its event is told a moment
later. So a difference is kept when it is first seen, and believed when a later turn finds the same two amounts; if
either has moved, something is still on its way, and the watch over it begins anew. Nothing is ever corrected here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: What all wallets together have locked, against what came in and did not go out.
OUTSIDE_SUBJECT = "outside"
#: What was taken by a batch in parts and is not given: nothing, while none is on its way.
CLEARING_SUBJECT = "clearing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the books and the chain say of a wallet, or of all; the slot of the chain's oldest word in it."""

    subject: str
    booked_lamports: int
    chain_lamports: int
    slot: int

    @property
    def amounts(self) -> tuple[int, int]:
        """Both."""
        return self.booked_lamports, self.chain_lamports


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A difference that an earlier turn has kept; `is_confirmed` once it was told."""

    subject: str
    booked_lamports: int
    chain_lamports: int
    is_confirmed: bool


class Turn(StrEnum):
    """What becomes of a difference."""

    BEGIN = "begin"
    CONFIRM = "confirm"
    END = "end"


def turns(differing: Sequence[Reading], kept: Sequence[Kept]) -> list[tuple[Turn, str]]:
    """What becomes of each subject, in order: an end comes before the same subject's new beginning.

    differing: every difference that this turn found; kept: those that are open.
    """
    found = {one.subject: one.amounts for one in differing if one.booked_lamports != one.chain_lamports}
    before: Mapping[str, Kept] = {one.subject: one for one in kept}
    same = {name for name, one in before.items() if found.get(name) == (one.booked_lamports, one.chain_lamports)}
    ended = [(Turn.END, name) for name in sorted(before) if name not in same]
    begun = [(Turn.BEGIN, name) for name in sorted(found) if name not in same]
    confirmed = [(Turn.CONFIRM, name) for name in sorted(same) if not before[name].is_confirmed]
    return [*ended, *begun, *confirmed]
