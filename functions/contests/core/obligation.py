"""Owns the life of one thing owed to a wallet: a payout, a refund, or what a contest's wallet is advanced.

    owed      Written down in the commit that decided it. Nothing of it is on its way.
    sent      One transaction of it is in the outbox, which brings it to an end: there, refused, or past its time.
    paid      The transaction is final. Nothing follows.
    held      The account does not exist and the amount could not keep it alive. Owed again once it can take it.
    parked    It failed four times. Owed again when an operator says so.

A payment that failed has had no effect and never will, which the outbox proves before it says so; only then is it tried
again, under another key. So at most one transaction of a line can ever have an effect.

*The advance.* A transaction leaves each account that it touches either empty or above the least that an account has to
hold. Where a contest's wallet would come between while it pays, the treasury's fee payer lends it that least first; it
returns with what is swept.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from functions.contests.core.sweep import RENT_EXEMPT_LAMPORTS
from kernel.errors import Broken

RETRIES_MAX: Final = 3
RETRY_S: Final = 5


class Kind(StrEnum):
    """What is owed."""

    PAYOUT = "payout"
    REFUND = "refund"
    ADVANCE = "advance"  # To the contest's own wallet, by the fee payer.


class State(StrEnum):
    """Where it is; the module's essay says what each means."""

    OWED = "owed"
    SENT = "sent"
    PAID = "paid"
    HELD = "held"
    PARKED = "parked"


class Event(StrEnum):
    """What can happen to it."""

    SEND = "send"  # A transaction of it is recorded.
    CONFIRM = "confirm"  # That is final and succeeded.
    FAIL = "fail"  # It had no effect, and there are tries left.
    PARK = "park"  # It had no effect, and there are none.
    HOLD = "hold"  # The account cannot take it.
    FREE = "free"  # Now it can.
    REPLAY = "replay"  # An operator wants it tried again.


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.OWED: {Event.SEND: State.SENT, Event.HOLD: State.HELD},
    State.SENT: {Event.CONFIRM: State.PAID, Event.FAIL: State.OWED, Event.PARK: State.PARKED},
    State.PAID: {},
    State.HELD: {Event.FREE: State.OWED},
    State.PARKED: {Event.REPLAY: State.OWED},
}

#: Whoever is owed has it, or cannot take it: a contest waits for nobody else.
ENDED: Final = frozenset((State.PAID, State.HELD))
#: A worker has something to do.
OPEN: Final = frozenset((State.OWED, State.SENT))


class ObligationTransitionRefused(Broken):
    """Something owed cannot go this way."""

    cause = "Two workers disagree about a payment, or the table in functions/contests/core/obligation.py lacks a case."
    remedy = "Compare the line with its transactions in the outbox before anything of it is replayed."


class PoolNotConserved(Broken):
    """What a contest would owe is not what its pool holds."""

    cause = "Payouts, rake and dust, or the refunds, do not sum up to what the books hold in the contest's pool."
    remedy = "Stop the service and compare the entries with the pool's statement; nothing was owed or sent."


def after(state: State, event: Event) -> State:
    """The state after this event. Raises ObligationTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise ObligationTransitionRefused(state=state, event=event)
    return following


def failed(attempts: int) -> Event:
    """What follows from the failure of the last of so many tries: the first, and three again."""
    return Event.PARK if attempts > RETRIES_MAX else Event.FAIL


def business_key(contest_id: UUID, kind: Kind, line: int, attempt: int) -> str:
    """Under which one try of a line is in the outbox."""
    return f"contests:{contest_id}:{kind}:{line}:{attempt}"


def is_over(states: Iterable[State]) -> bool:
    """Whether everybody has, or cannot take, what was owed; so where nothing is."""
    return all(state in ENDED for state in states)


def require_conserved(pool_lamports: int, owed: Sequence[int], rest_lamports: int) -> None:
    """What is owed and what stays are the pool, to the lamport. Raises PoolNotConserved."""
    if rest_lamports < 0 or min(owed, default=0) < 0 or sum(owed) + rest_lamports != pool_lamports:
        raise PoolNotConserved(pool=str(pool_lamports), owed=str(sum(owed)), rest=str(rest_lamports))


def advance_lamports(balance_lamports: int, owed: Sequence[int]) -> int:
    """What a wallet is lent before it pays all this, in whatever order and with any of it held; 0 for nothing.

    Between its payments it holds the rest and some of what is owed. A wallet that cannot pay all is lent nothing.
    """
    rest = balance_lamports - sum(owed)
    is_short, pays_whole = rest < 0, rest == 0 and min(owed, default=0) >= RENT_EXEMPT_LAMPORTS
    if not owed or is_short or pays_whole or rest >= RENT_EXEMPT_LAMPORTS:
        return 0
    return RENT_EXEMPT_LAMPORTS
