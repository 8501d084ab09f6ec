"""Owns the life of a proof's job: every state, every event, and which state follows; and when it is tried again.

A job is owed from the moment that Trade is seen, and belongs to the block in which Trade began.

    created      Nobody works on it yet.
    in_progress  Somebody does. It was written down before the work began, so whoever dies in it leaves it here, and
                 the next one begins another attempt.
    completed    Journal and seal are stored. Before that, other code than made them has checked them, and the
                 exchange itself has said that it would take them.
    errored      An attempt came to nothing, with the reason. It is tried again, unless the attempts are used up.
    void         Nobody wants it: its block was taken back, or the exchange has left Trade without it.

A void job whose block returns begins anew, with all its attempts. Nothing follows a completed one but that.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import Broken

#: Deaths of provers included.
ATTEMPTS_MAX: Final = 5
#: After the first failure; twice as long after each further one.
_PAUSE: Final = timedelta(seconds=5)
#: Below so many agents a certificate costs the exchange less than a proof does, whose words it has to read, too
#: (BENCHMARKS.md, "Gas").
GROTH16_AGENTS_MIN: Final = 490


class State(StrEnum):
    """Where a job is; the module's essay says what each means."""

    CREATED = "created"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    ERRORED = "errored"
    VOID = "void"


class Event(StrEnum):
    """What can happen to a job."""

    BEGIN = "begin"  # A worker begins an attempt.
    COMPLETE = "complete"  # What it made is checked and stored.
    FAIL = "fail"  # The attempt came to nothing.
    PUT_OFF = "put_off"  # What it needs is away for the moment, so it was none.
    EXPIRE = "expire"  # The exchange's blocks for a proof are over.
    WITHDRAW = "withdraw"  # The exchange does not want it any more.
    RETURN = "return"  # It does again.


_UNTIL_COMPLETED: Final = {Event.BEGIN: State.IN_PROGRESS, Event.EXPIRE: State.ERRORED, Event.WITHDRAW: State.VOID}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.CREATED: _UNTIL_COMPLETED,
    State.IN_PROGRESS: {
        **_UNTIL_COMPLETED,
        Event.COMPLETE: State.COMPLETED,
        Event.FAIL: State.ERRORED,
        Event.PUT_OFF: State.CREATED,
    },
    State.COMPLETED: {Event.WITHDRAW: State.VOID},
    State.ERRORED: _UNTIL_COMPLETED,
    State.VOID: {Event.RETURN: State.CREATED},
}

#: Somebody has to work on it.
OWED: Final = frozenset((State.CREATED, State.IN_PROGRESS, State.ERRORED))


class Mode(StrEnum):
    """How a result is shown to be right."""

    DIRECT = "direct"  # The exchange checks a certificate.
    GROTH16 = "groth16"  # It checks a proof of one.


class Choice(StrEnum):
    """How a service chooses its mode."""

    AUTO = "auto"
    DIRECT = "direct"
    GROTH16 = "groth16"


class ProofTransitionRefused(Broken):
    """A proof's job cannot go this way."""

    cause = "Two workers disagree about a job, or the table in functions/barter/core/job.py lacks a case."
    remedy = "Read the job's steps in barter.history before its task is replayed."


def after(state: State, event: Event) -> State:
    """The state after this event. Raises ProofTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise ProofTransitionRefused(state=state, event=event)
    return following


def next_attempt_at(now: datetime, attempts: int) -> datetime | None:
    """When a job that has failed so often is tried again; None for never."""
    return None if attempts >= ATTEMPTS_MAX else now + _PAUSE * 2 ** (attempts - 1)


def mode_of(choice: Choice, agents: int, circuit_agents: int | None) -> Mode:
    """How a market of so many agents is shown to be right.

    circuit_agents: how many the circuit of the exchange's verifier takes; None where it has none.
    """
    if choice != Choice.AUTO:
        return Mode(choice)
    fits = circuit_agents is not None and agents <= circuit_agents
    return Mode.GROTH16 if fits and agents >= GROTH16_AGENTS_MIN else Mode.DIRECT
