"""Owns the breakers of one container: whom may be asked, what became of it, and telling everybody.

    with breakers.guard("market_data"):        # raises CircuitOpen
        ticker = venue.ticker("FLR/USD")       # a Transient of it counts, a Rejected does not

The record (Postgres) decides and remembers, the board (Redis) spreads the word, the views are what this container
knows; see the modules of those names. What costs something is rare: an answer of an active dependency costs nothing, a
question every `view_s` one call of Redis for all dependencies together, and only failures, probes and changes go to
the database: no more than `threshold` failures in a window, whatever the traffic.

A breaker never breaks what it guards: with a store away its verdicts are logged, and go on.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from kernel.audit import require_words
from kernel.breaker.board import Board
from kernel.breaker.condition import Condition
from kernel.breaker.guarding import Judge, Verdict, told, verdict
from kernel.breaker.lifecycle import (
    Circuit,
    Ruling,
    State,
    rule_on_admission,
    rule_on_failure,
    rule_on_reset,
    rule_on_return,
    rule_on_success,
)
from kernel.breaker.policy import Policies
from kernel.breaker.record import Change, Decide, Decision, Record
from kernel.breaker.views import VIEW_S, Views
from kernel.clock import Clock
from kernel.errors import CounterpartError, DatabaseUnavailable, NotFound, Transient
from kernel.postgres import DatabaseContention, Postgres

logger = logging.getLogger(__name__)

#: The statements of a ruling are few and short; who waits longer for a row's lock does better without a verdict.
STATEMENT_TIMEOUT_S: Final = 2.0


class CircuitOpen(Transient):
    """The dependency fails, and is left alone for a while."""

    cause = "So many calls failed in a short time that asking again would only make it worse; details name it."
    remedy = "The work is tried again; look at the changes of this breaker, and reset it once the dependency is well."
    example = '{"dependency": "market_data", "state": "circuit_open"}'

    def __init__(self, dependency: str, state: State, wait_s: float) -> None:
        super().__init__(dependency=dependency, state=state.value)
        self.retry_after_s = max(1.0, wait_s)


class DependencyUnknown(NotFound):
    """There is no breaker of this name."""

    cause = "The name is misspelt, or nobody has asked this dependency yet."
    remedy = "Take the name from GET /v1/ops/breakers."
    example = '{"dependency": "market_dta"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Leave to make one call. token: of the probe, if the call is one."""

    dependency: str
    trips: int
    token: int | None = None


class Breakers:
    """All breakers, as one container sees them. Threads may share it; it satisfies kernel.jsonrpc's Health."""

    def __init__(
        self,
        postgres: Postgres,
        board: Board | None = None,
        clock: Clock | None = None,
        policies: Policies | None = None,
        *,
        actor: str | None = None,
        view_s: float = VIEW_S,
        tell: Callable[[Circuit], None] | None = None,
    ) -> None:
        """postgres: a connection of its own, since verdicts are told also while another transaction is open.

        clock: None, so that the stores' own time rules and containers' clocks do not matter; tests give one.
        actor: who is written into the record as the author of changes. tell: called with a circuit whose change is
        committed; its failure changes nothing.
        """
        self._record = Record(postgres, clock)
        self._views = Views(self._record, board, clock, view_s=view_s)
        self._policies = policies or Policies()
        self._actor = actor or f"{socket.gethostname()}:{os.getpid()}"
        self._tell = tell
        self._tokens: dict[str, int] = {}
        self._probing = threading.Lock()

    def usable(self, dependency: str) -> bool:
        """Whether to ask it now. Where that was a probe, this container's next verdict on it is the probe's."""
        admission = self.admit(dependency)
        if isinstance(admission, Admission) and admission.token is not None:
            self._tokens[dependency] = admission.token
        return isinstance(admission, Admission)

    def succeeded(self, dependency: str) -> None:
        """It answered."""
        self._answered(dependency, self._token(dependency))

    def failed(self, dependency: str, reason: str) -> None:
        """It did not. The reason is kept: it must not quote a credential."""
        self._failed(dependency, reason, self._token(dependency), None)

    @contextmanager
    def guard(self, dependency: str, judge: Judge = verdict) -> Iterator[None]:
        """One call of a dependency. Raises CircuitOpen; what the block raises is judged and passes on."""
        admission = self.admit(dependency)
        if isinstance(admission, Condition):
            raise CircuitOpen(dependency, admission.state, admission.wait_s or 0.0)
        try:
            yield
        except BaseException as error:
            self.settle(admission, judge(error), told(error))
            raise
        self.settle(admission, Verdict.ANSWERED, "answered")

    def admit(self, dependency: str) -> Admission | Condition:
        """Leave to make one call, which ends with `settle`, or the condition that forbids it."""
        condition = self._views.of(dependency)
        if condition.is_closed:
            return Admission(dependency=dependency, trips=condition.trips)
        if _waits(condition):
            return condition
        with self._probing:
            condition = self._views.of(dependency)  # another thread may have asked just now
            if not condition.is_closed and not _waits(condition) and self._views.may_probe(condition):
                return self._admitted(dependency, condition)
        return condition

    def settle(self, admission: Admission, judged: Verdict, reason: str) -> None:
        """Tell how the admitted call ended. A probe of which nothing can be told is given back."""
        dependency, token = admission.dependency, admission.token
        if judged is Verdict.FAILED:
            self._failed(dependency, reason, token, admission.trips)
        elif judged is Verdict.ANSWERED:
            self._answered(dependency, token)
        elif token is not None:
            self._rule(dependency, partial(rule_on_return, token=token), reason)

    def condition(self, dependency: str) -> Condition:
        """How it stands, at most 5 s ago."""
        return self._views.of(dependency)

    def conditions(self) -> list[Condition]:
        """How every known dependency stands, at most 5 s ago."""
        return self._views.known()

    def changes(self, since: int = 0, *, limit: int = 100) -> list[Change]:
        """The changes after the one with the id `since`, oldest first. Raises DatabaseUnavailable."""
        return self._record.changes(since, limit)

    def reset(self, dependency: str, actor: str, reason: str) -> Condition:
        """Begin anew, as an operator decided.

        Raises DependencyUnknown, Invalid without actor or reason, and DatabaseUnavailable.
        """
        require_words(actor, reason)
        decision = self._record.rule(dependency, _reset, reason=reason, actor=actor)
        self._views.publish(decision.condition)
        if decision.ruling is not None:
            self._told(decision.ruling)
        return decision.condition

    def close(self) -> None:
        """Give the record's connection back; the next call opens another."""
        self._record.close()

    def _admitted(self, dependency: str, condition: Condition) -> Admission | Condition:
        policy = self._policies.of(dependency)
        decision = self._rule(dependency, lambda c, now: rule_on_admission(c, policy, now), "its reset is over")
        if decision is None:
            return condition
        present = decision.condition
        if decision.ruling is not None:
            return Admission(dependency=dependency, trips=present.trips, token=present.version)
        return Admission(dependency=dependency, trips=present.trips) if present.is_closed else present

    def _answered(self, dependency: str, token: int | None) -> None:
        condition = self._views.of(dependency)
        heals = condition.state is State.DEGRADED and not _waits(condition)
        if token is not None or heals or condition.state is State.INITIALIZING:
            policy = self._policies.of(dependency)
            self._rule(dependency, lambda c, now: rule_on_success(c, policy, now, token=token), "answered")

    def _failed(self, dependency: str, reason: str, token: int | None, trips: int | None) -> None:
        if token is None and not self._views.of(dependency).is_closed:
            return  # no news of an open circuit
        policy = self._policies.of(dependency)
        self._rule(dependency, lambda c, now: rule_on_failure(c, policy, now, token=token, trips=trips), reason)

    def _token(self, dependency: str) -> int | None:
        """Of the probe that this container was admitted to, if any; the first verdict takes it."""
        return self._tokens.pop(dependency, None)

    def _rule(self, dependency: str, decide: Decide, reason: str) -> Decision | None:
        """What the record decided, told to everybody; None when it does not answer."""
        if self._record.is_away:
            return None
        try:
            decision = self._record.rule(dependency, decide, reason=reason, actor=self._actor)
        except (DatabaseUnavailable, DatabaseContention) as away:
            logger.warning("A verdict is lost.", extra={"dependency": dependency, "code": away.code})
            return None
        if decision.ruling is None:
            self._views.learn([decision.condition])
            return decision
        self._views.publish(decision.condition)
        if decision.ruling.is_change:
            _log(decision.ruling, reason)
            self._told(decision.ruling)
        return decision

    def _told(self, ruling: Ruling) -> None:
        """Tell whoever is connected. A breaker must not be what breaks: a change that nobody hears of stands."""
        if self._tell is None:
            return
        try:
            self._tell(ruling.after)
        except CounterpartError as silent:
            facts = {"dependency": ruling.after.dependency, "code": silent.code}
            logger.warning("A breaker's change is committed and told to nobody.", extra=facts)


def _reset(circuit: Circuit, now: datetime) -> Ruling:
    if circuit.version == 0:  # the row was made for this very look, and goes with it
        raise DependencyUnknown(dependency=circuit.dependency)
    return rule_on_reset(circuit, now)


def _waits(condition: Condition) -> bool:
    """Whether it is too early for what its state waits for."""
    return condition.wait_s is not None and condition.wait_s > 0


def _log(ruling: Ruling, reason: str) -> None:
    opened = ruling.after.state is State.CIRCUIT_OPEN
    details = {
        "dependency": ruling.after.dependency,
        "from_state": ruling.before.state.value,
        "to_state": ruling.after.state.value,
        "reason": reason,
    }
    if opened:
        details["alarm"] = "breaker.open"
    logger.log(logging.ERROR if opened else logging.INFO, "A breaker changed.", extra=details)
