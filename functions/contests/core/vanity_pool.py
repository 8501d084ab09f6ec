"""Owns the life of a search for a vanity address, and how many are to be under way.

    pending     Wanted, and not asked for yet: only so many are under way at once.
    processing  Asked for: somebody tries keys, and only we can open what is found.
    completed   So many keys were tried. One was found and is in the pool, or none was; then another search is wanted.
    failed      Nobody told of an end within half an hour, the computation failed, or what came does not stand.
    cancelled   The pool was full, or the pattern unwanted, before it was asked for.

To try keys is to forget them, so a search that ends without one has lost nothing: the next is as good as going on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from functions.contests.core.vanity import Pattern
from kernel.errors import Broken

#: A search that nobody has told of since then is over.
STUCK: Final = timedelta(minutes=30)
#: Searches that are under way at once: the queue that polls computations takes ten, of all services.
AT_ONCE: Final = 4
#: Keys that one search tries at most: somewhat more than a minute of one processor.
TRIES_MAX: Final = 2_000_000


class State(StrEnum):
    """Where a search is; the module's essay says what each means."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a search."""

    ASK = "ask"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.PENDING: {Event.ASK: State.PROCESSING, Event.CANCEL: State.CANCELLED},
    State.PROCESSING: {Event.COMPLETE: State.COMPLETED, Event.FAIL: State.FAILED},
    State.COMPLETED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}


class VanityTransitionRefused(Broken):
    """A search for a vanity address cannot go this way."""

    cause = "Two workers disagree about a search, or the table in functions/contests/core/vanity_pool.py lacks a case."
    remedy = "Look at the search in contests.vanity_jobs; a key that was found is in the pool or was dropped unopened."


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many addresses with a pattern should wait for contests."""

    pattern: Pattern
    target: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of a pattern: free addresses, searches that wait, searches under way."""

    free: int = 0
    pending: int = 0
    processing: int = 0


@dataclass(frozen=True, slots=True)
class TopUp:
    """What is to be done about a pattern: so many more searches, or so many fewer of those that wait."""

    pattern: Pattern
    more: int
    fewer: int


def after(state: State, event: Event) -> State:
    """The state after this event. Raises VanityTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise VanityTransitionRefused(state=state, event=event)
    return following


def top_ups(wanted: Sequence[Wanted], standings: Mapping[Pattern, Standing]) -> list[TopUp]:
    """For each pattern, wanted or only known, how many searches are missing or too many."""
    targets = dict.fromkeys(standings, 0) | {one.pattern: one.target for one in wanted}
    found = []
    for pattern, target in targets.items():
        there = standings.get(pattern, Standing())
        missing = target - there.free - there.processing - there.pending
        found.append(TopUp(pattern, more=max(0, missing), fewer=min(there.pending, max(0, -missing))))
    return found


def to_be_asked(processing: int) -> int:
    """How many of those that wait may be asked for."""
    return max(0, AT_ONCE - processing)


def expected_tries(pattern: Pattern) -> int:
    """How many keys a search tries in the mean, for its price."""
    return min(pattern.tries, TRIES_MAX)
