"""Owns the withdrawal of an obligation: a person decides that its effect is no longer wanted.

To withdraw is to let `valid_until` be now, and the rest is what any entry does whose time has passed. So it is as safe:
no effect is signed any more, what is signed may still land, and the entry ends as what the chain says of it. It is for
what would wait for ever: a payer whom nobody funds, a program that refuses.
"""

from pathlib import Path
from typing import Final

from kernel.audit import Audit, require_words
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, NotFound
from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("withdrawal.sql"))


class ObligationUnknown(NotFound):
    """Nothing is owed under this business key."""

    cause = "The key is misspelt, or belongs to something that is no chain transaction."
    remedy = "Take the key from the trace or the alarm that named it."
    example = '{"business_key": "treasury/pay-ada"}'


class ObligationSettled(Conflict):
    """The obligation has ended."""

    cause = "Its transaction is final, or nothing of it can land any more."
    remedy = "Read its trace; what has happened can only be put right by another transaction."
    example = '{"state": "confirmed"}'


class Withdrawals:
    """Withdrawals from the outboxes of every chain family."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def withdraw(self, business_key: str, *, actor: str, reason: str) -> str:
        """Want the effect no more; the state in which its entry is now. A second time changes nothing.

        Raises ObligationUnknown, ObligationSettled, and Invalid without actor or reason.
        """
        require_words(actor, reason)
        with self._postgres.transaction() as tx:
            withdrawn = tx.one(Q["withdraw"], business_key=business_key, now=self._clock.now())["withdrawn"]
            standing = tx.maybe(Q["standing"], business_key=business_key)
            if standing is None:
                raise ObligationUnknown(business_key=business_key[:200])
            if standing["settled"]:
                raise ObligationSettled(state=standing["state"])
            if withdrawn:
                told = {"reason": reason, "state": standing["state"]}
                self._audit.record(tx, actor=actor, action="outbox.withdraw", subject=business_key, details=told)
        return str(standing["state"])
