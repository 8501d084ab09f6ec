"""Owns the record of all circuits: the place where every ruling is made, under the lock of the circuit's row."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from psycopg.rows import DictRow

from kernel.audit import Audit
from kernel.breaker.condition import Condition, condition_of
from kernel.breaker.lifecycle import Circuit, Event, Ruling, State
from kernel.clock import Clock
from kernel.errors import Broken, DatabaseUnavailable
from kernel.postgres import Postgres, Queries, Transaction
from kernel.postgres.text import storable

Q = Queries.load(Path(__file__).with_name("queries.sql"))
REASON_LENGTH_MAX: Final = 500
#: A store that did not answer is left alone for this long.
AWAY_S: Final = 2.0

Decide = Callable[[Circuit, datetime], Ruling | None]


class CircuitChanged(Broken):
    """A circuit changed under the lock of its row."""

    code = "breaker_circuit_changed"
    cause = "Something other than kernel.breaker writes kernel.breakers."
    remedy = "Find who updates the table without `for update`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one circuit; ids grow in the order of the commits."""

    id: int
    dependency: str
    version: int
    from_state: State
    to_state: State
    event: Event
    reason: str
    actor: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What was ruled, if anything, and how the circuit stands now."""

    ruling: Ruling | None
    condition: Condition


class Record:
    """kernel.breakers and kernel.breaker_changes."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        """clock: None takes the database's time, the only one that containers share."""
        self._postgres, self._clock = postgres, clock
        self._audit = Audit(postgres, clock)
        self._seconds = time.monotonic if clock is None else clock.time_s
        self._away_until_s = float("-inf")

    @property
    def is_away(self) -> bool:
        """Whether it was silent a moment ago: time-outs must not add up in every call."""
        return self._seconds() < self._away_until_s

    def rule(self, dependency: str, decide: Decide, *, reason: str, actor: str) -> Decision:
        """Decide about a circuit with nobody else deciding. Raises DatabaseUnavailable, DatabaseContention."""
        with self._transaction() as tx:
            circuit = _locked(tx, dependency)
            now = self._present(tx)
            ruling = decide(circuit, now)
            if ruling is None:
                return Decision(None, condition_of(circuit, now))
            _carry_out(tx, ruling)
            if ruling.is_change:
                tx.execute(Q["order_changes"])
                tx.execute(Q["insert_change"], **_change(ruling, reason, actor))
            if ruling.event is Event.RESET:
                subject, told = f"dependency:{dependency}", {"reason": reason, "was": ruling.before.state.value}
                self._audit.record(tx, actor=actor, action="breaker.reset", subject=subject, details=told)
        return Decision(ruling, condition_of(ruling.after, now))

    def conditions(self) -> list[Condition]:
        """Every circuit's condition. Raises DatabaseUnavailable, DatabaseContention."""
        with self._transaction() as tx:
            circuits, now = [_circuit(row) for row in tx.all(Q["circuits"])], self._present(tx)
        return [condition_of(circuit, now) for circuit in circuits]

    def changes(self, since: int, limit: int) -> list[Change]:
        """The changes after one, oldest first. Raises DatabaseUnavailable, DatabaseContention."""
        with self._transaction() as tx:
            rows = tx.all(Q["changes"], since=since, limit=limit)
        return [_typed(row) for row in rows]

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        self._postgres.close()

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        try:
            with self._postgres.transaction() as tx:
                yield tx
        except DatabaseUnavailable:
            self._away_until_s = self._seconds() + AWAY_S
            raise

    def _present(self, tx: Transaction) -> datetime:
        if self._clock is not None:
            return self._clock.now()
        now: datetime = tx.one(Q["present"])["now"]
        return now


def _locked(tx: Transaction, dependency: str) -> Circuit:
    row = tx.maybe(Q["circuit_for_update"], dependency=dependency)
    if row is None:
        tx.execute(Q["insert_circuit"], dependency=dependency)
        row = tx.one(Q["circuit_for_update"], dependency=dependency)
    return _circuit(row)


def _carry_out(tx: Transaction, ruling: Ruling) -> None:
    after = ruling.after
    touched = tx.execute(
        Q["update_circuit"],
        dependency=after.dependency,
        state=after.state.value,
        version=after.version,
        failures=list(after.failures),
        trips=after.trips,
        changed_at=after.changed_at,
        due_at=after.due_at,
    )
    if touched != 1:
        raise CircuitChanged(dependency=after.dependency, version=after.version)


def _change(ruling: Ruling, reason: str, actor: str) -> dict[str, object]:
    return {
        "dependency": ruling.after.dependency,
        "version": ruling.after.version,
        "from_state": ruling.before.state.value,
        "to_state": ruling.after.state.value,
        "event": ruling.event.value,
        "reason": storable(reason, REASON_LENGTH_MAX),
        "actor": storable(actor, 200),
        "changed_at": ruling.at,
    }


def _circuit(row: DictRow) -> Circuit:
    fields = {**row, "state": State(row["state"]), "failures": tuple(row["failures"])}
    return Circuit(**fields)


def _typed(row: DictRow) -> Change:
    states = {name: State(row[name]) for name in ("from_state", "to_state")}
    return Change(**{**row, **states, "event": Event(row["event"])})
