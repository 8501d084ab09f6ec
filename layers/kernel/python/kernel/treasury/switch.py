"""Owns the kill switch of each service: halted, it owes nothing new and signs no new effect.

What is signed already goes on to its end, because an unresolved nonce or signature is the greater danger. A halt waits
for the transactions that are recording at that moment (twenty seconds at most): once it has returned, no obligation
comes after it. Every halt and resumption is a row with its actor and reason, and none is ever changed.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from kernel.audit import Audit, require_words
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, NotFound, Transient
from kernel.postgres import Postgres, Queries, Statements, Transaction

Q: Final = Queries.load(Path(__file__).with_name("switch.sql"))


class ServiceHalted(Transient):
    """The service is halted by an operator."""

    cause = "Somebody halted it by its kill switch; who and why stands in the switch's history."
    remedy = "Wait until an administrator resumes the service."
    retry_after_s = 30.0


class ServiceUnknown(NotFound):
    """There is no such service."""

    cause = "The name is misspelt: each service has a database role of its name, and this one has none."
    remedy = "Correct the name; what was meant goes on as it did."
    example = '{"service": "brigde"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One halt or resumption of a service: which, who, when, why."""

    service: str
    version: int
    halted: bool
    actor: str
    reason: str
    changed_at: datetime


class KillSwitch:
    """The switches of all services. Only the ops slice's role may turn them."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def halt(self, service: str, actor: str, reason: str) -> Halt:
        """Let the service owe nothing new from now on. Halting what is halted keeps the new reason, too.

        Raises ServiceUnknown, Invalid without actor or reason, and DatabaseContention when a transaction of the
        service does not end.
        """
        return self._turn(service, actor, reason, halted=True)

    def resume(self, service: str, actor: str, reason: str) -> Halt:
        """Let the service go on. Raises Conflict when it is not halted, and Invalid without actor or reason."""
        return self._turn(service, actor, reason, halted=False)

    def standing(self, tx: Statements, service: str) -> Halt | None:
        """The halt in force, or None; a look that locks nothing."""
        row = tx.maybe(Q["newest"], service=service)
        return Halt(**row) if row is not None and row["halted"] else None

    def require_running(self, tx: Transaction, service: str) -> None:
        """Refuse while the service is halted, and let no halt return before this transaction ends.

        Raises ServiceHalted.
        """
        row = tx.maybe(Q["require_switch"], service=service)
        if row is not None and row["halted"]:
            raise ServiceHalted(service=service, since=row["changed_at"].isoformat())

    def history(self, service: str, limit: int = 100) -> list[Halt]:
        """Every halt and resumption, newest first."""
        with self._postgres.transaction() as tx:
            return [Halt(**row) for row in tx.all(Q["history"], service=service, limit=limit)]

    def halted(self) -> list[Halt]:
        """The halts in force, by service."""
        with self._postgres.transaction() as tx:
            return [Halt(**row) for row in tx.all(Q["halted"])]

    def _turn(self, service: str, actor: str, reason: str, *, halted: bool) -> Halt:
        require_words(actor, reason)
        with self._postgres.transaction() as tx:
            require_service(tx, service)
            tx.execute(Q["lock_switch"], service=service)
            newest = tx.maybe(Q["newest"], service=service)
            if not halted and not (newest and newest["halted"]):
                raise Conflict("The service is not halted.", service=service)
            turned = Halt(
                **tx.one(
                    Q["turn"],
                    service=service,
                    version=newest["version"] + 1 if newest else 1,
                    halted=halted,
                    actor=actor[:200],
                    reason=reason[:1000],
                    now=self._clock.now(),
                )
            )
            action, told = "treasury.halt" if halted else "treasury.resume", {"reason": turned.reason}
            self._audit.record(tx, actor=actor, action=action, subject=f"service:{service}", details=told)
            return turned


def require_service(tx: Transaction, service: str) -> None:
    """Raises ServiceUnknown unless the service has a database role: what is told of a misspelt one is told of none."""
    if not tx.one(Q["is_service"], service=service)["known"]:
        raise ServiceUnknown(service=service)
