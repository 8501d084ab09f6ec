"""Owns the life of a contest: every state, every event, and which state follows.

    pending     Announced. It has a wallet as soon as one is assigned, and takes entries from then until its start.
    active      Started: portfolios are locked, and what changes is a trade at the market's price.
    evaluating  Its time is over. One evaluator at a time fixes the final values; nothing is owed to anybody yet.
    paying      The standings are stored, and with them, in one commit, every payout. Each is paid exactly once.
    paid        Every payout is final on the chain, or held because its account cannot take it yet. Only now the contest
                is completed.
    raked       What the wallet held beyond what is still owed went to the treasury.
    refunding   It will not be played: every entry fee is owed to whoever paid it.
    refunded    Every refund is final, or held.
    swept       The rest of a cancelled contest's wallet went to the treasury.

What the outside sees is `status`: a contest is completed when its winners are paid, not when somebody tried.

At the start a contest without entrants is cancelled at once. One with fewer than its minimum, or with a single entrant,
waits for the grace window, and is cancelled if nobody came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import Broken

GRACE: Final = timedelta(seconds=59)
#: Start and end wait for prices so long, then go on without those that are not to be had.
PATIENCE: Final = timedelta(minutes=5)
#: Whoever plays alone has nobody to win against.
ENTRANTS_MIN: Final = 2


class State(StrEnum):
    """Where a contest is; the module's essay says what each means."""

    PENDING = "pending"
    ACTIVE = "active"
    EVALUATING = "evaluating"
    PAYING = "paying"
    PAID = "paid"
    RAKED = "raked"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    SWEPT = "swept"


class Event(StrEnum):
    """What can happen to a contest."""

    START = "start"  # Its time has come, and there are enough entrants.
    CANCEL = "cancel"  # There are not, or an operator says so.
    END = "end"  # Its time is over.
    RANK = "rank"  # The standings are stored, and the payouts are owed.
    PAY = "pay"  # The last payout has come to its end.
    RAKE = "rake"  # What was left is swept.
    REFUND = "refund"  # The last refund has come to its end.
    SWEEP = "sweep"  # The rest of a cancelled contest is swept.


class Status(StrEnum):
    """What the outside sees."""

    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.PENDING: {Event.START: State.ACTIVE, Event.CANCEL: State.REFUNDING},
    # An operator may cancel what runs, as long as nobody has won.
    State.ACTIVE: {Event.END: State.EVALUATING, Event.CANCEL: State.REFUNDING},
    State.EVALUATING: {Event.RANK: State.PAYING, Event.CANCEL: State.REFUNDING},
    State.PAYING: {Event.PAY: State.PAID},
    State.PAID: {Event.RAKE: State.RAKED},
    State.RAKED: {},
    State.REFUNDING: {Event.REFUND: State.REFUNDED},
    State.REFUNDED: {Event.SWEEP: State.SWEPT},
    State.SWEPT: {},
}

_STATUS: Final = {
    State.PENDING: Status.PENDING,
    State.ACTIVE: Status.ACTIVE,
    State.EVALUATING: Status.ACTIVE,
    State.PAYING: Status.ACTIVE,
    State.PAID: Status.COMPLETED,
    State.RAKED: Status.COMPLETED,
    State.REFUNDING: Status.CANCELLED,
    State.REFUNDED: Status.CANCELLED,
    State.SWEPT: Status.CANCELLED,
}

#: Nobody is owed anything any more but what is held: the wallet may be swept.
SWEEPABLE: Final = frozenset((State.PAID, State.REFUNDED))


class ContestTransitionRefused(Broken):
    """A contest cannot go this way."""

    cause = "Two workers disagree about a contest, or the table in functions/contests/core/contest.py lacks a case."
    remedy = "Look at the contest's payouts and at its wallet before anything of it is replayed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a contest starts and ends, and for how many it is played. The minimum counts as two at least."""

    start: datetime
    end: datetime
    entrants_min: int


def after(state: State, event: Event) -> State:
    """The state after this event. Raises ContestTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise ContestTransitionRefused(state=state, event=event)
    return following


def status(state: State) -> Status:
    """What the outside sees of a state."""
    return _STATUS[state]


def due(state: State, schedule: Schedule, entrants: int, now: datetime) -> Event | None:
    """What the clock makes happen to a contest now; None for nothing yet."""
    if state == State.ACTIVE and now >= schedule.end:
        return Event.END
    if state != State.PENDING or now < schedule.start:
        return None
    if entrants >= max(schedule.entrants_min, ENTRANTS_MIN):
        return Event.START
    return Event.CANCEL if entrants == 0 or now >= schedule.start + GRACE else None
