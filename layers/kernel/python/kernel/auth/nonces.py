"""Owns nonces of sign-ins: each is good for five minutes and for one use, whoever is faster."""

import secrets

from kernel.clock import Clock, SystemClock
from kernel.errors import Unauthorized
from kernel.postgres import Postgres

LIFETIME_S = 300
_BYTES = 16

ISSUE = """
insert into kernel.nonces (nonce, purpose, expires_at)
values (%(nonce)s, %(purpose)s, to_timestamp(%(expires_s)s))
"""
SPEND = """
delete from kernel.nonces
where nonce = %(nonce)s and purpose = %(purpose)s
returning expires_at > to_timestamp(%(now_s)s) as in_time
"""
FORGET = "delete from kernel.nonces where expires_at <= to_timestamp(%(now_s)s)"


class NonceSpent(Unauthorized):
    """This nonce is unknown, used or too old."""

    cause = "A nonce is good for one sign-in within five minutes."
    remedy = "Ask for a new nonce and sign again."


class Nonces:
    """The table kernel.nonces."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock = clock or SystemClock()

    def issue(self, purpose: str) -> str:
        """A fresh nonce of 128 bits as 32 hex digits; forgets old ones on the way."""
        nonce, now_s = secrets.token_hex(_BYTES), self._clock.time_s()
        with self._postgres.transaction() as tx:
            tx.execute(FORGET, now_s=now_s)
            tx.execute(ISSUE, nonce=nonce, purpose=purpose, expires_s=now_s + LIFETIME_S)
        return nonce

    def spend(self, nonce: str, purpose: str) -> None:
        """Use the nonce up. Raises NonceSpent for all but the first, in-time use with the purpose it was issued for."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(SPEND, nonce=nonce, purpose=purpose, now_s=self._clock.time_s())
        if row is None or not row["in_time"]:
            raise NonceSpent
