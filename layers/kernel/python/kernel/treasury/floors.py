"""Owns when a wallet needs money, from where, and what an operator must be told about it. Pure.

A wallet below its floor is alarmed, and topped up to its target from the wallet that funds it, by one transfer at a
time. No money is sent while the books and the chain differ (nobody knows what is true), while the wallet's service is
halted, or from a wallet that would itself fall below its floor.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.treasury.reconciliation import DIFFERENCE, PENDING

BELOW_FLOOR: Final = "treasury.below_floor"
DIFFERS: Final = "treasury.difference"
UNSETTLED: Final = "treasury.unsettled"
UNFUNDED: Final = "treasury.top_up_unfunded"

# Longer than any chain in use takes to finality: what is pending by then is stuck.
PENDING_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a wallet has, should have, and has coming; `funder_spare` is what its funder holds above its own floor."""

    balance: int
    floor: int
    target: int
    verdict: str
    pending_since: datetime | None
    is_halted: bool
    is_topped_up: bool  # a top-up is on its way
    funder_spare: int | None  # None: nobody funds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The alarms that hold, and how much to send now (0: nothing)."""

    alarms: tuple[str, ...]
    top_up: int


def rule(level: Level, now: datetime) -> Ruling:
    """What follows from a wallet's level."""
    alarms = []
    if level.verdict == DIFFERENCE:
        alarms.append(DIFFERS)
    if level.verdict == PENDING and level.pending_since is not None and now - level.pending_since >= PENDING_WITHIN:
        alarms.append(UNSETTLED)
    if level.balance >= level.floor:
        return Ruling(alarms=tuple(sorted(alarms)), top_up=0)
    alarms.append(BELOW_FLOOR)
    wanted = level.target - level.balance
    may_send = level.verdict != DIFFERENCE and not level.is_halted and not level.is_topped_up
    if level.funder_spare is None or not may_send:
        return Ruling(alarms=tuple(sorted(alarms)), top_up=0)
    if level.funder_spare < wanted:
        return Ruling(alarms=tuple(sorted([*alarms, UNFUNDED])), top_up=0)
    return Ruling(alarms=tuple(sorted(alarms)), top_up=wanted)
