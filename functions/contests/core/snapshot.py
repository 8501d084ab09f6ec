"""Owns the moments at which a running contest's portfolios are valued, and what one valuation says.

Snapshot 0 is the start; from then on one is due every 15 seconds, and none at the end, where the evaluation takes the
last prices. Everything is in the order of the entries' numbers.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from functions.contests.core.portfolio import SNAPSHOT_S
from functions.contests.core.standings import shared_ranks


def due_at(start: datetime, number: int) -> datetime:
    """When a snapshot is due."""
    return start + timedelta(seconds=SNAPSHOT_S * number)


def numbers_due(start: datetime, end: datetime, after: datetime, until: datetime) -> range:
    """The snapshots that are due after a moment and until another, before the end. Never the start's own."""
    step = timedelta(seconds=SNAPSHOT_S)
    first = max(1, (after - start) // step + 1)
    last = min((until - start) // step, -((start - end) // step) - 1)
    return range(first, last + 1)


def in_profit(before: Sequence[int], values: Sequence[int], stake: int) -> list[int]:
    """How often each was worth more than the stake, this time included. before: the same up to now, or nothing."""
    return [count + (value > stake) for count, value in zip_longest(before, values, fillvalue=0)]


def leaderboard(values: Sequence[int]) -> list[tuple[int, int, int]]:
    """Rank, number and value of each, the best first; equals share a rank and stand in the order of their numbers."""
    ranked = zip(shared_ranks(values), range(len(values)), values, strict=True)
    return sorted(ranked, key=lambda one: one[:2])
