"""Looks once more at an exchange, when a transaction to it is about to be signed long after it was recorded.

Until something is signed of it, it can be taken back: somebody else may have ended the phase meanwhile, and a
transaction that reverts costs as much as one that does not. So the outbox asks here, just before.
"""

from typing import Final

from functions.barter.adapters.calls import Calls, TakenBack
from functions.barter.adapters.exchanges import Exchanges, NotAnExchange
from functions.barter.adapters.jobs import Jobs
from functions.barter.adapters.stored import StoredCall, StoredJob
from functions.barter.core.job import State
from kernel.clock import Clock
from kernel.errors import Transient
from kernel.outbox.evm import OutboxEntry
from kernel.postgres import Postgres

#: So old may the look be with which the transaction was recorded.
FRESH_S: Final = 5.0
#: Whatever else the settler owes waits behind this nonce: one that can be looked at no sooner is signed unseen.
UNREAD_S: Final = 60.0


class Rechecking:
    """Transactions that are recorded, and of which nothing is signed."""

    def __init__(self, postgres: Postgres, jobs: Jobs, calls: Calls, exchanges: Exchanges, clock: Clock) -> None:
        self._postgres, self._jobs, self._calls, self._exchanges = postgres, jobs, calls, exchanges
        self._clock = clock

    def unwanted(self, entry: OutboxEntry) -> str | None:
        """Why a transaction is not to be made any more; None where it is, and for what is no call of an exchange.

        Raises what is transient.
        """
        waited_s = entry.waited_s(self._clock.now())
        if waited_s <= FRESH_S:
            return None
        with self._postgres.transaction() as tx:
            call = self._calls.paid_by(tx, entry)
            job = None if call is None or call.job_id is None else self._jobs.job(tx, call.job_id)
        if call is None:
            return None
        try:
            return self._doubt(call, job)
        except Transient:
            if waited_s > UNREAD_S:
                return None
            raise

    def _doubt(self, call: StoredCall, job: StoredJob | None) -> TakenBack | None:
        if job is not None and job.state != State.COMPLETED:
            return TakenBack.PROOF_VOID
        try:
            sight = self._exchanges.look(call.address).sight
        except NotAnExchange:
            return TakenBack.EXCHANGE_GONE
        if sight.phase != call.phase:
            return TakenBack.PHASE_ENDED
        return TakenBack.TRADE_GONE if job is not None and sight.trade != job.trade else None
