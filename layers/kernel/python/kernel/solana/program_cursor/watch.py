"""Owns what a program cursor watches for, how far one turn of it goes, and what came of the turn."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kernel.keys.solana import checked_address

_NAME: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,79}")


class Wanted(StrEnum):
    """What becomes an event."""

    TRANSACTIONS = "transactions"  # every transaction that names the address
    PROGRAM_DATA = "program_data"  # what the program at the address says by `Program data` lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramWatch:
    """An address of one cluster, under a name of its own, and the task that each of its events becomes.

    name: whose place is kept; cluster, address and kind never change under a name. start_after, start_slot: a
    transaction and its slot; what is newer is read, and what lies in older slots is not. with_failed: also deliver
    failed transactions, whose events carry `succeeded=False`; what they said never took effect.
    """

    name: str
    cluster: str
    address: str
    kind: str
    wanted: Wanted = Wanted.PROGRAM_DATA
    start_after: str | None = None
    start_slot: int = 0
    with_failed: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never be read: ValueError, SolanaAddressInvalid."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a watch's name has 1 to 80 small letters, digits and _.:-, unlike {self.name[:100]!r}")
        if self.start_slot < 0:
            raise ValueError("slots are counted from 0")
        checked_address(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How far one turn goes at most: whichever is used up first ends it after the commit at hand."""

    transactions: int = 1_000
    pages: int = 50
    seconds: float = 20.0


class Pause(StrEnum):
    """Why a turn ended."""

    AT_HEAD = "at_head"  # nothing is left to read
    BUDGET = "budget"  # there is more, for the next turn
    UNSETTLED = "unsettled"  # the endpoints do not agree yet that the next transaction is final, or what it said
    OVERTAKEN = "overtaken"  # another turn went on meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one turn did: pages walked, transactions passed, events delivered; `waiting` are found and still to do."""

    pause: Pause
    pages: int = 0
    transactions: int = 0
    events: int = 0
    waiting: int = 0
    alarm: str | None = None
