"""Owns the life of a job: every state, every event, and which state follows.

A job is a computation whose result somebody waits for, not an effect: computing it twice costs money and changes
nothing. So the rule is weaker than the outbox's, and simpler: an *attempt* is written down before it is made, its call
id after. Only the newest attempt is ever asked for a result, each attempt has a place of its own for what it puts out,
and a result counts once the caller's check has passed it. So whatever an older attempt does, or one whose call id
nobody kept, reaches nobody.

    recorded    Asked for; no attempt is under way.
    called      An attempt is written down. Its call may have been made by somebody who died before saying so.
    running     The call has an id by which to ask for its result.
    completed   A checked result is stored; it never changes.
    failed      Nobody computes it any more: its time or its attempts are over, or the function refuses its input.

There is no way from the last two to anywhere.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kernel.errors import Broken


class State(StrEnum):
    """Where a job is; the module's essay says what each means."""

    RECORDED = "recorded"
    CALLED = "called"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Event(StrEnum):
    """What can happen to a job."""

    CALL = "call"  # An attempt was written down.
    ACCEPT = "accept"  # The provider gave its call an id.
    LOSE = "lose"  # The attempt came to nothing.
    COMPLETE = "complete"  # Its result passed the check.
    FAIL = "fail"  # Nobody tries any more.


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.RECORDED: {Event.CALL: State.CALLED, Event.FAIL: State.FAILED},
    State.CALLED: {
        Event.ACCEPT: State.RUNNING,
        Event.LOSE: State.RECORDED,
        Event.COMPLETE: State.COMPLETED,
        Event.FAIL: State.FAILED,
    },
    State.RUNNING: {Event.LOSE: State.RECORDED, Event.COMPLETE: State.COMPLETED, Event.FAIL: State.FAILED},
    State.COMPLETED: {},
    State.FAILED: {},
}

FINAL: Final = frozenset(state for state, events in TRANSITIONS.items() if not events)


class JobTransitionRefused(Broken):
    """A job cannot go this way."""

    cause = "Two workers disagree about a job, or the table in kernel/offload/lifecycle.py lacks a case."
    remedy = "Read the job's attempts (kernel.offload_attempts) before its task is replayed."


def after(state: State, *events: Event) -> State:
    """The state after these events, in order. Raises JobTransitionRefused for a step that the table does not know."""
    for event in events:
        following = TRANSITIONS[state].get(event)
        if following is None:
            raise JobTransitionRefused(state=state, event=event)
        state = following
    return state
