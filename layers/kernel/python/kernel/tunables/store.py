"""Owns the tunables' values: read with a short cache, changed by operators, every change kept with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from kernel.audit import Audit, require_words
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, NotFound
from kernel.postgres import Postgres, Queries
from kernel.tunables.tunable import N, Tunable

Q = Queries.load(Path(__file__).with_name("queries.sql"))

#: A change is in force everywhere after this; one read a container fetches all tunables.
CACHE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one tunable: who, when, why, from what to what."""

    name: str
    version: int
    value: Decimal
    old_value: Decimal
    changed_by: str
    changed_at: datetime
    reason: str


class Tunables:
    """The declared tunables of a slice and their values in force."""

    def __init__(
        self,
        postgres: Postgres,
        declared: Sequence[Tunable[Any]],
        clock: Clock | None = None,
        *,
        cache_s: float = CACHE_S,
    ) -> None:
        """declared: every tunable that may be set here; ValueError when two share a name."""
        self._postgres = postgres
        self._clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)
        self._cache_s = cache_s
        self._declared = {tunable.name: tunable for tunable in declared}
        if len(self._declared) != len(declared):
            raise ValueError("two tunables share a name")
        self._values: dict[str, Decimal] = {}
        self._fresh_until_s = float("-inf")

    def get(self, tunable: Tunable[N]) -> N:
        """The value in force, at most `cache_s` old; the default until somebody changes it."""
        now_s = self._clock.time_s()
        if now_s >= self._fresh_until_s:
            with self._postgres.transaction() as tx:
                self._values = {row["name"]: row["value"] for row in tx.all(Q["newest_values"])}
            self._fresh_until_s = now_s + self._cache_s
        stored = self._values.get(tunable.name)
        return tunable.default if stored is None else tunable.within(stored)

    def set(self, name: str, value: int | Decimal, *, actor: str, reason: str) -> Change:
        """Change a tunable from now on; the change as it is kept.

        Raises NotFound for a name nobody declared, OutOfBounds, Invalid without actor or reason, and Conflict when
        somebody else changed it at the same moment.
        """
        require_words(actor, reason)
        tunable = self.declared(name)
        accepted = Decimal(tunable.accept(value))
        with self._postgres.transaction() as tx:
            newest = tx.maybe(Q["newest_value"], name=name)
            change = Change(
                name=name,
                version=newest["version"] + 1 if newest else 1,
                value=accepted,
                old_value=newest["value"] if newest else Decimal(tunable.default),
                changed_by=actor[:200],
                changed_at=self._clock.now(),
                reason=reason[:1000],
            )
            if not tx.execute(Q["insert_version"], **_columns(change)):
                raise Conflict("Somebody else changed the tunable at the same moment.", name=name)
            told = {
                "version": change.version,
                "from": str(change.old_value),
                "to": str(accepted),
                "reason": reason[:1000],
            }
            self._audit.record(tx, actor=actor, action="tunables.set", subject=f"tunable:{name}", details=told)
        self._fresh_until_s = float("-inf")
        return change

    def history(self, name: str, *, limit: int = 100) -> list[Change]:
        """The changes of a tunable, newest first; NotFound for a name nobody declared."""
        self.declared(name)
        with self._postgres.transaction() as tx:
            return [Change(**row) for row in tx.all(Q["history"], name=name, limit=limit)]

    def declarations(self) -> list[Tunable[Any]]:
        """Every declaration, by name."""
        return [self._declared[name] for name in sorted(self._declared)]

    def declared(self, name: str) -> Tunable[Any]:
        """The declaration by name; NotFound."""
        if name not in self._declared:
            raise NotFound(f"There is no tunable {name}.", name=name)
        return self._declared[name]


def _columns(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in Change.__slots__}
