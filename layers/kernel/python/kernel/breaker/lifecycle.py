"""Owns what becomes of a dependency's circuit: its states, what moves it, and the rulings about both.

Rule 1: everything that decides about a circuit is in this file, and is pure; the record only carries rulings out.
Rule 2: the table below is the whole truth; an event that a state does not list cannot happen in it.

A dependency is *initializing* until the first verdict on it. An answer makes it *active*; a failure makes it
*degraded*. Degraded is used like active, and says that something happened: a failure lies in the window, or the
circuit closed less than the minimum healthy period ago. An answer that comes after both have passed makes it active
again: without evidence nothing is healthy.

The failure that fills the window (`threshold` failures in `window_s`) opens the circuit: nobody asks the dependency
for `reset_s`. Verdicts on calls that were under way when it opened change nothing: a failure of them is not news,
and an answer is older than the failures. After `reset_s` one caller is admitted, and the circuit is *recovering*. That
caller's token is the version of its admission, and only its verdict counts. An answer closes the circuit: degraded
with an empty window for the minimum healthy period (active at once where there is none). A failure opens it with a
fresh reset. A holder that cannot tell (its own work broke) gives the probe back. One that dies tells nothing: when
`check_s` has passed another caller is admitted under a greater token, and whatever the first one says then is refused.

So safety hangs on the token and on one row's lock; time only decides how soon somebody tries. An operator's reset
forgets everything: initializing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.breaker.policy import BreakerPolicy
from kernel.errors import Broken


class State(StrEnum):
    """Where a dependency stands: the words of /health, too."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    DEGRADED = "degraded"
    CIRCUIT_OPEN = "circuit_open"
    RECOVERING = "recovering"


class Event(StrEnum):
    """What moves a circuit."""

    CONFIRM = "confirm"  # the first answer
    SLIP = "slip"  # a failure, with room in the window
    TRIP = "trip"  # the failure that fills the window
    HEAL = "heal"  # an answer after the window emptied and the healthy period passed
    PROBE = "probe"  # one caller is admitted, also in the place of one that told nothing
    CLOSE = "close"  # the probe was answered
    RELAPSE = "relapse"  # the probe failed
    RETURN = "return"  # the probe's holder cannot tell
    RESET = "reset"  # an operator says: begin anew


_USED: Final[Mapping[Event, State]] = {Event.TRIP: State.CIRCUIT_OPEN, Event.RESET: State.INITIALIZING}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.INITIALIZING: {**_USED, Event.CONFIRM: State.ACTIVE, Event.SLIP: State.DEGRADED},
    State.ACTIVE: {**_USED, Event.SLIP: State.DEGRADED},
    State.DEGRADED: {**_USED, Event.SLIP: State.DEGRADED, Event.HEAL: State.ACTIVE},
    State.CIRCUIT_OPEN: {Event.PROBE: State.RECOVERING, Event.RESET: State.INITIALIZING},
    State.RECOVERING: {
        Event.PROBE: State.RECOVERING,
        Event.CLOSE: State.DEGRADED,
        Event.RELAPSE: State.CIRCUIT_OPEN,
        Event.RETURN: State.CIRCUIT_OPEN,
        Event.RESET: State.INITIALIZING,
    },
}

#: States in which calls are made.
CLOSED: Final = frozenset((State.INITIALIZING, State.ACTIVE, State.DEGRADED))


class TransitionRefused(Broken):
    """A circuit cannot go this way."""

    code = "breaker_transition_refused"
    cause = "Code asked for an event that the table in kernel/breaker/lifecycle.py does not list for the state."
    remedy = "Rule on the event with the functions of kernel.breaker.lifecycle before carrying it out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """All that is known of one dependency. Every write raises the version."""

    dependency: str
    state: State = State.INITIALIZING
    version: int = 0
    #: Moments of the failures that count, oldest first; fewer than the threshold unless open.
    failures: tuple[datetime, ...] = ()
    #: How often the circuit opened: a verdict on a call admitted before the last time is no news.
    trips: int = 0
    changed_at: datetime | None = None
    #: From here on: open, a probe may be admitted; recovering, the probe is taken for dead; degraded, an answer heals.
    due_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the moment has come for what this state waits for."""
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The circuit as it shall be, and by what event; one that leaves the state alone is kept, but is no change."""

    event: Event
    at: datetime
    before: Circuit
    after: Circuit

    @property
    def is_change(self) -> bool:
        """Whether it belongs into the history: another state, or another holder of the probe."""
        return self.before.state != self.after.state or self.event in {Event.PROBE, Event.RESET}


def follow(state: State, event: Event) -> State:
    """The state after an event. Raises TransitionRefused when the table has none."""
    if event not in TRANSITIONS[state]:
        raise TransitionRefused(state=state.value, event=event.value)
    return TRANSITIONS[state][event]


def rule_on_failure(
    circuit: Circuit, policy: BreakerPolicy, now: datetime, *, token: int | None = None, trips: int | None = None
) -> Ruling | None:
    """What a failure does; None: nothing.

    token: of the probe that failed, if it was one. trips: the circuit's count when the call was admitted, if known.
    """
    if token is not None:
        return _relapsed(circuit, policy, now) if _holds(circuit, token) else None
    if circuit.state not in CLOSED or (trips is not None and trips != circuit.trips):
        return None
    failures = (*in_window(circuit.failures, policy, now), now)
    if len(failures) >= policy.threshold:
        return _ruled(circuit, Event.TRIP, now, failures, now + policy.reset)
    calm_at = max(now + policy.window, circuit.due_at or now)
    return _ruled(circuit, Event.SLIP, now, failures, calm_at)


def rule_on_success(
    circuit: Circuit, policy: BreakerPolicy, now: datetime, *, token: int | None = None
) -> Ruling | None:
    """What an answer does; None: nothing. token: of the probe that was answered, if it was one."""
    if token is not None:
        return _closed(circuit, policy, now) if _holds(circuit, token) else None
    if circuit.state is State.INITIALIZING:
        return _ruled(circuit, Event.CONFIRM, now, (), None)
    if circuit.state is State.DEGRADED and circuit.is_due(now):
        return _ruled(circuit, Event.HEAL, now, (), None)
    return None


def rule_on_admission(circuit: Circuit, policy: BreakerPolicy, now: datetime) -> Ruling | None:
    """Let one caller try an open circuit whose reset is over, or one whose probe told nothing; None: nobody now."""
    if circuit.state in CLOSED or not circuit.is_due(now):
        return None
    return _ruled(circuit, Event.PROBE, now, circuit.failures, now + policy.check)


def rule_on_return(circuit: Circuit, now: datetime, *, token: int) -> Ruling | None:
    """The probe's holder cannot tell: somebody else may try at once."""
    return _ruled(circuit, Event.RETURN, now, circuit.failures, now) if _holds(circuit, token) else None


def rule_on_reset(circuit: Circuit, now: datetime) -> Ruling:
    """An operator's reset. It counts as a trip, so that calls under way now say nothing about the new beginning."""
    ruling = _ruled(circuit, Event.RESET, now, (), None)
    return replace(ruling, after=replace(ruling.after, trips=circuit.trips + 1))


def in_window(failures: tuple[datetime, ...], policy: BreakerPolicy, now: datetime) -> tuple[datetime, ...]:
    """The failures that still count: a failure is out when it is a whole window old."""
    return tuple(failed_at for failed_at in failures if now - failed_at < policy.window)


def _holds(circuit: Circuit, token: int) -> bool:
    return circuit.state is State.RECOVERING and circuit.version == token


def _closed(circuit: Circuit, policy: BreakerPolicy, now: datetime) -> Ruling:
    if policy.healthy_s > 0:
        return _ruled(circuit, Event.CLOSE, now, (), now + policy.healthy)
    closed = _ruled(circuit, Event.CLOSE, now, (), now)
    healed = follow(closed.after.state, Event.HEAL)
    return replace(closed, after=replace(closed.after, state=healed, due_at=None))


def _relapsed(circuit: Circuit, policy: BreakerPolicy, now: datetime) -> Ruling:
    return _ruled(circuit, Event.RELAPSE, now, circuit.failures, now + policy.reset)


def _ruled(
    circuit: Circuit, event: Event, now: datetime, failures: tuple[datetime, ...], due_at: datetime | None
) -> Ruling:
    state = follow(circuit.state, event)
    after = replace(
        circuit,
        state=state,
        version=circuit.version + 1,
        failures=failures,
        trips=circuit.trips + (event in {Event.TRIP, Event.RELAPSE}),
        changed_at=now if state != circuit.state else circuit.changed_at,
        due_at=due_at,
    )
    return Ruling(event=event, at=now, before=circuit, after=after)
