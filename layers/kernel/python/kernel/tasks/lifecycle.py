"""Owns what may become of a task: its states, what moves it from one to the next, and the rulings about both.

Rule 1: everything that decides about a task's state is in this file, and is pure; the store only carries rulings out.
Rule 2: the table below is the whole truth; an event that a state does not list cannot happen in it.

A task is *ready* until a worker claims it. A claim makes it *leased*: it raises the fencing token and ends at a time,
because the worker may die without a word. While the lease lives nobody else claims the task. When it has run out the
next claim takes over with a greater token, and whatever the first worker still tries to commit is refused, however
late it wakes: safety hangs on the token alone. Time only decides how soon somebody else tries, so clocks that are
seconds apart cost a duplicate attempt at worst, never a duplicate effect.

A held task ends in one of five ways. *done*: its effect and this state were committed together. Back to *ready* at a
later time: the worker asked to look again (which costs no attempt), or failed for the moment (which costs one).
*skipped*: there was nothing to do, or the window in which doing it made sense is over. *dropped*: what it asked for
is refused, and trying again would not help. *parked*: it broke, or its attempts are used up; an operator looks at
the error and replays it. A worker that dies without a word costs an attempt too, which is how a task that kills its
workers ends up parked.

Skipped and done are final. Dropped and parked tasks can be replayed: ready again, with all their attempts, under a
new token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from kernel.errors import Broken, CounterpartError, Rejected, Transient
from kernel.postgres.text import storable
from kernel.tasks.backoff import backoff_s
from kernel.tasks.model import Done, NotClaimed, Outcome, Retry, Skipped

#: A message this early is worth a short sleep; an earlier one is sent again, because Lambda bills a sleeper.
EARLY_MAX_S = 1.0
#: A lease that has to end before the task's next message is no shorter than this, or its holder could do nothing.
LEASE_MIN_S = 4.0
#: After so many claims an operator has to say that it may go on: a bound for tasks that ask to look again for ever.
#: A service that is halted, or a signature that is awaited, may take a month at two looks a minute.
CLAIMS_MAX = 100_000
ERROR_LENGTH_MAX = 2_000


class State(StrEnum):
    """Where a task stands."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    SKIPPED = "skipped"
    DROPPED = "dropped"
    PARKED = "parked"


class Event(StrEnum):
    """What moves a task."""

    CLAIM = "claim"  # a worker takes it, also from one whose lease has run out
    COMPLETE = "complete"  # the effect is committed
    RETRY = "retry"  # later again
    SKIP = "skip"  # the worker found nothing to do
    DROP = "drop"  # the worker found it refused
    PARK = "park"  # the worker found it broken
    EXPIRE = "expire"  # its window closed, and nobody holds it
    EXHAUST = "exhaust"  # its attempts are used up
    BURY = "bury"  # its message reached the dead-letter queue
    REPLAY = "replay"  # an operator wants it tried again


TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.READY: {
        Event.CLAIM: State.LEASED,
        Event.EXPIRE: State.SKIPPED,
        Event.EXHAUST: State.PARKED,
    },
    State.LEASED: {
        Event.CLAIM: State.LEASED,
        Event.COMPLETE: State.DONE,
        Event.RETRY: State.READY,
        Event.SKIP: State.SKIPPED,
        Event.DROP: State.DROPPED,
        Event.PARK: State.PARKED,
        Event.EXPIRE: State.SKIPPED,
        Event.EXHAUST: State.PARKED,
        Event.BURY: State.PARKED,
    },
    State.DROPPED: {Event.REPLAY: State.READY},
    State.PARKED: {Event.REPLAY: State.READY},
    State.DONE: {},
    State.SKIPPED: {},
}

#: How the record of an attempt names the event that ended it.
OUTCOMES: Mapping[Event, str] = {
    Event.COMPLETE: "done",
    Event.RETRY: "retried",
    Event.SKIP: "skipped",
    Event.DROP: "dropped",
    Event.PARK: "parked",
    Event.EXPIRE: "skipped",
    Event.EXHAUST: "parked",
    Event.BURY: "parked",
    Event.REPLAY: "replayed",
}


class IllegalTransition(Broken):
    """A task was to be moved in a way its state does not allow."""

    cause = "Code asked for an event that the transition table of kernel.tasks.lifecycle does not list for the state."
    remedy = "Rule on the event with the functions of kernel.tasks.lifecycle before carrying it out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a ruling needs to know of a task."""

    state: State
    run_at: datetime
    expires_at: datetime | None
    attempt: int
    attempts_max: int
    fence: int
    lease_until: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen by itself."""
        return self.state in (State.READY, State.LEASED)

    def is_held(self, now: datetime) -> bool:
        """Whether a worker's lease lives."""
        return self.state is State.LEASED and self.lease_until is not None and now < self.lease_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """An event that is to happen, and what it does to the task."""

    event: Event
    state: State
    attempt: int | None = None  # None: as it was
    run_at: datetime | None = None  # None: as it was
    error_code: str | None = None
    error: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the task is finished by it (a parked or dropped one until it is replayed)."""
        return self.state not in (State.READY, State.LEASED)


def follow(state: State, event: Event) -> State:
    """The state after an event; IllegalTransition when the table has none."""
    if event not in TRANSITIONS[state]:
        raise IllegalTransition(state=state.value, event=event.value)
    return TRANSITIONS[state][event]


def rule_on_claim(task: Standing, now: datetime) -> Ruling | NotClaimed:
    """What a worker's claim does: it takes the task, finds it over (a final ruling), or gets nothing and why."""
    if not task.is_open:
        return NotClaimed(f"already {task.state}")
    if task.is_held(now):
        return NotClaimed("held by another worker")
    if task.expires_at is not None and task.expires_at <= now:
        return expired()
    if task.attempt >= task.attempts_max or _is_worn(task):
        return _ruled(task, Event.EXHAUST, error_code="attempts_used_up", error=_exhausted(task))
    if task.run_at - now > timedelta(seconds=EARLY_MAX_S):
        return NotClaimed("early", is_early=True)
    return _ruled(task, Event.CLAIM, attempt=task.attempt + 1)


def lease_within(wanted_s: float, resend_s: Sequence[int]) -> float:
    """How long a claim of a task with insurance messages holds: until a second before the next one at the most.

    A message that finds its task held is spent. A window that is shorter than a lease would close while a dead worker
    still held its task; one that is slow and alive loses it to the next, and is refused its commit.
    """
    if not resend_s:
        return wanted_s
    shortest_s = min(after - before for before, after in pairwise((0, *sorted(resend_s))))
    return min(wanted_s, max(LEASE_MIN_S, shortest_s - EARLY_MAX_S))


def _is_worn(task: Standing) -> bool:
    """Whether another CLAIMS_MAX claims were made. The token never falls, so a replay begins the next such number."""
    return task.fence > 0 and task.fence % CLAIMS_MAX == 0


def completed() -> Ruling:
    """The ruling of a worker that commits its effect and its task together."""
    return Ruling(event=Event.COMPLETE, state=follow(State.LEASED, Event.COMPLETE))


def expired() -> Ruling:
    """The ruling on tasks that are open, unheld and past their window."""
    return Ruling(
        event=Event.EXPIRE,
        state=follow(State.READY, Event.EXPIRE),
        error_code="expired",
        error="Its window closed before it was done.",
    )


def rule_on_finish(task: Standing, outcome: Outcome | BaseException, now: datetime, *, jitter: float) -> Ruling:
    """What a worker's outcome, or the exception it ended with, does to the task it holds.

    jitter, from 0 to 1, spreads the next attempts of tasks that failed together.
    """
    match outcome:
        case Done():
            return _ruled(task, Event.COMPLETE)
        case Skipped():
            return _ruled(task, Event.SKIP, error_code="skipped", error=outcome.reason)
        case Retry():
            later = now + timedelta(seconds=outcome.after_s)
            # Looking again was the plan, so the attempt is given back.
            return _ruled(
                task, Event.RETRY, attempt=task.attempt - 1, run_at=later, error_code="retry", error=outcome.reason
            )
        case _:
            return _rule_on_failure(task, outcome, now, jitter)


def _rule_on_failure(task: Standing, error: BaseException, now: datetime, jitter: float) -> Ruling:
    """Whose fault it is decides: refused is dropped, broken is parked, the rest is tried again while it may be."""
    if isinstance(error, Rejected):
        return _failed(task, Event.DROP, error)
    if isinstance(error, Broken):
        return _failed(task, Event.PARK, error)
    if task.attempt >= task.attempts_max:
        return _failed(task, Event.EXHAUST, error)
    later = now + timedelta(seconds=_asked_s(error) + backoff_s(task.attempt, jitter=jitter))
    return _failed(task, Event.RETRY, error, run_at=later)


def _asked_s(error: BaseException) -> float:
    """The pause that a failure asks for when it knows that the usual one is too short: a circuit that stays open for
    minutes must not use up a task's attempts in seconds."""
    asked_s = error.retry_after_s if isinstance(error, Transient) else 0.0
    return asked_s if asked_s > Transient.retry_after_s else 0.0


def rule_on_burial(task: Standing, now: datetime) -> Ruling | None:
    """What a message in the dead-letter queue says about its task: its workers died, or nothing.

    Only a task whose last holder went silent is to blame. One that is ready again was rescheduled under another
    message, or was never claimed because the database was away: the sweeper sees to it.
    """
    if task.state is not State.LEASED or task.is_held(now):
        return None
    error = f"Its message was given up after its workers died; {task.attempt} attempts were begun."
    return _ruled(task, Event.BURY, error_code="workers_died", error=error)


def rule_on_replay(task: Standing, now: datetime) -> Ruling | None:
    """An operator's replay: ready now with all attempts, or None where there is nothing to replay."""
    if Event.REPLAY not in TRANSITIONS[task.state]:
        return None
    return _ruled(task, Event.REPLAY, attempt=0, run_at=now)


def _ruled(
    task: Standing,
    event: Event,
    *,
    attempt: int | None = None,
    run_at: datetime | None = None,
    error_code: str | None = None,
    error: str | None = None,
) -> Ruling:
    return Ruling(
        event=event,
        state=follow(task.state, event),
        attempt=attempt,
        run_at=run_at,
        error_code=error_code,
        error=storable(error, ERROR_LENGTH_MAX) if error else None,
    )


def _failed(task: Standing, event: Event, error: BaseException, run_at: datetime | None = None) -> Ruling:
    code = error.code if isinstance(error, CounterpartError) else type(error).__name__
    return _ruled(task, event, run_at=run_at, error_code=code, error=_told(error))


def _told(error: BaseException) -> str:
    """Our own errors with their details, which are safe by rule; of another only its type: its text may quote a key."""
    if not isinstance(error, CounterpartError):
        return type(error).__qualname__
    details = ", ".join(f"{name}: {value}" for name, value in error.details.items() if value is not None)
    return f"{error.message} ({details})" if details else error.message


def _exhausted(task: Standing) -> str:
    return f"Its {task.attempts_max} attempts are used up; the last worker died without a word."
