"""Owns what the heads of several endpoints say about them: who is fresh, who lags, who invents. Pure.

No single endpoint is the measure of the others: one that names a head far ahead would make every honest one stale.

1. Two heads are near each other when they differ by no more than the tolerated blocks and seconds.
2. The reference is the highest head that another endpoint is near to. Whoever is beyond it is ahead, whoever is below
   it is behind.
3. When no two are near each other, the highest is the reference, for a provider that stands still is common and one
   that invents is rare; unless its lead in blocks is no lead in time, which no chain can have: then it is ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

# More than any chain in use makes.
BLOCKS_A_SECOND_MAX: Final = 100

K = TypeVar("K")


class Standing(StrEnum):
    """What the pool thinks of an endpoint."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    DEGRADED = "degraded"  # Away, or its head is stale: not read from, still broadcast to.
    DISTRUSTED = "distrusted"  # Caught saying what is not so: not read from for a while, still broadcast to.
    WRONG_CHAIN = "wrong_chain"  # Never used again by this container.


class Place(StrEnum):
    """Where an endpoint's head is, beside those of the others."""

    FRESH = "fresh"
    BEHIND = "behind"
    AHEAD = "ahead"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Sight:
    """An endpoint's head: its height, and the Unix time that it claims (None where asking costs too much)."""

    height: int
    time_s: float | None = None


def places(sights: Mapping[K, Sight | None], *, lag_max: int, lag_s_max: float) -> dict[K, Place]:
    """Each endpoint's place by the module's three rules; None is an endpoint that did not answer."""
    answered = [sight for sight in sights.values() if sight is not None]
    reference = _reference(answered, lag_max, lag_s_max)
    return {one: _place(sight, reference, lag_max, lag_s_max) for one, sight in sights.items()}


def _reference(sights: list[Sight], lag_max: int, lag_s_max: float) -> Sight | None:
    ordered = sorted(sights, key=lambda sight: sight.height, reverse=True)
    for position, sight in enumerate(ordered):
        others = ordered[:position] + ordered[position + 1 :]
        if any(_near(sight, other, lag_max, lag_s_max) for other in others):
            return sight
    while len(ordered) > 1 and not _plausible(ordered[0], ordered[1]):
        ordered.pop(0)
    return ordered[0] if ordered else None


def _place(sight: Sight | None, reference: Sight | None, lag_max: int, lag_s_max: float) -> Place:
    if sight is None or reference is None:
        return Place.SILENT
    if _near(sight, reference, lag_max, lag_s_max):
        return Place.FRESH
    lead_s = _seconds(sight, reference)
    return Place.AHEAD if sight.height - reference.height > lag_max or lead_s > lag_s_max else Place.BEHIND


def _near(one: Sight, other: Sight, lag_max: int, lag_s_max: float) -> bool:
    return abs(one.height - other.height) <= lag_max and abs(_seconds(one, other)) <= lag_s_max


def _plausible(leader: Sight, follower: Sight) -> bool:
    if leader.time_s is None or follower.time_s is None:
        return True
    # Times are whole seconds, so a lead of nothing may be one of nearly a second.
    return leader.height - follower.height <= BLOCKS_A_SECOND_MAX * (_seconds(leader, follower) + 1)


def _seconds(one: Sight, other: Sight) -> float:
    """How much later `one` is, in seconds; 0 where a time is unknown."""
    return 0.0 if one.time_s is None or other.time_s is None else one.time_s - other.time_s
