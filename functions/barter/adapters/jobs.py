"""Jobs of proofs in Postgres: every read and every write of their table, in the caller's transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.barter.adapters.steps import name_of, post, prove
from functions.barter.adapters.stored import StoredJob, StoredWatch, stored_job
from functions.barter.adapters.watches import Q
from functions.barter.core.job import Event, Mode, ProofTransitionRefused, after, next_attempt_at
from functions.barter.core.watch import Trade
from kernel.clock import Clock
from kernel.correlation import current
from kernel.errors import NotFound
from kernel.evm.addresses import checksum
from kernel.ids import new_id
from kernel.postgres import Statements, Transaction
from kernel.postgres.text import storable
from kernel.tasks import Tasks

Tell = Callable[[Transaction, StoredJob, str], None]
ERROR_LENGTH_MAX: Final = 1_000


class ProofUnknown(NotFound):
    """There is no such proof."""

    cause = "The id is none of barter.jobs: the task was made for another database."
    remedy = "Drop the task; a look at the exchange asks for its proof anew."


class Jobs:
    """The proofs that are owed on one chain."""

    def __init__(self, tasks: Tasks, clock: Clock, *, chain_id: int, tell: Tell | None = None) -> None:
        """tell: called in the transaction of each step that is taken."""
        self._tasks, self._clock, self._chain_id, self._tell = tasks, clock, chain_id, tell

    # Reading.

    def of(self, tx: Statements, address: str) -> StoredJob | None:
        """The job of an exchange's proof as it stands; None where none is owed. What is void is not told."""
        row = tx.maybe(Q["job_of"], chain_id=self._chain_id, address=checksum(address))
        return None if row is None else stored_job(row)

    def job(self, tx: Statements, proof_id: UUID, *, lock: bool = False) -> StoredJob:
        """One job, held until the commit if asked for. Raises ProofUnknown."""
        row = tx.maybe(Q["lock_job"] if lock else Q["job"], id=proof_id)
        if row is None:
            raise ProofUnknown(proof=str(proof_id))
        return stored_job(row)

    def of_offload(self, tx: Statements, job_id: UUID) -> StoredJob | None:
        """The job whose proof is computed by an offloaded one; None where nobody waits for that any more."""
        row = tx.maybe(Q["job_of_offload"], offload_id=job_id)
        return None if row is None else stored_job(row)

    # Writing. The caller holds the watch.

    def owe(self, tx: Transaction, watch: StoredWatch, trade: Trade) -> StoredJob:
        """The job of this Trade, with its task: a new one, or the one that was void. Any other becomes void."""
        known = self.of(tx, watch.address)
        if known is not None and known.trade == trade:
            return known
        if known is not None:
            self.move(tx, known, Event.WITHDRAW, told={"reason": "Trade began in another block"})
        named = {**watch.row, "trade_block": trade.block, "trade_hash": trade.hash}
        before = tx.maybe(Q["job_of_trade"], **named)
        if before is not None:
            return self.wake(tx, self.move(tx, stored_job(before), Event.RETURN), self._clock.now())
        told = {"trade_block": trade.block, "trade_hash": trade.hash.hex()}
        columns = {"id": new_id(), "details": Jsonb(told), "correlation_id": current(), "now": self._clock.now()}
        created = stored_job(tx.one(Q["insert_job"], **named, **columns))
        self._say(tx, created, "create")
        return self.wake(tx, created, self._clock.now())

    def move(
        self,
        tx: Transaction,
        job: StoredJob,
        event: Event,
        *,
        told: Mapping[str, Any] | None = None,
        mode: Mode | None = None,
        agents: int | None = None,
        proof: tuple[bytes, bytes] | None = None,
        error: str | None = None,
        again_at: datetime | None = None,
    ) -> StoredJob:
        """The job after the event; `told` goes into its history, `proof` is stored. Raises ProofTransitionRefused."""
        state = after(job.state, event)
        words = None if error is None else storable(error, ERROR_LENGTH_MAX)
        columns = {
            "id": job.id,
            "state": state,
            "state_left": job.state,
            "event": event,
            "mode": mode,
            "agents": agents,
            "journal": proof and proof[0],
            "seal": proof and proof[1],
            "error": words,
            "next_attempt_at": again_at,
            "details": Jsonb({**(told or {}), **({"error": words} if words else {})}),
            "correlation_id": current(),
        }
        row = tx.maybe(Q["move_job"], **columns, now=self._clock.now())
        if row is None:
            raise ProofTransitionRefused(state=job.state, event=event, address=job.address)
        moved = stored_job(row)
        self._say(tx, moved, str(event))
        return moved

    def fail(self, tx: Transaction, job: StoredJob, reason: str, *, for_good: bool = False) -> StoredJob:
        """The attempt came to nothing: with the reason, and the task of the next one, if there is one."""
        again_at = None if for_good else next_attempt_at(self._clock.now(), job.attempts)
        failed = self.move(tx, job, Event.FAIL, error=reason, again_at=again_at)
        return failed if again_at is None else self.wake(tx, failed, again_at)

    def offloaded(self, tx: Transaction, job: StoredJob, job_id: UUID) -> StoredJob:
        """Its proof is computed by an offloaded job, whose end asks for the next step."""
        row = tx.maybe(Q["offload_job"], id=job.id, offload_id=job_id)
        if row is None:
            raise ProofTransitionRefused(state=job.state, event="offload", address=job.address)
        return stored_job(row)

    def wake(self, tx: Transaction, job: StoredJob, at: datetime) -> StoredJob:
        """Have it worked on from then on."""
        woken = stored_job(tx.one(Q["wake_job"], id=job.id))
        self._tasks.enqueue([prove(woken.chain_id, woken.address, woken.id, woken.wakes, at)], tx)
        return woken

    def wake_posting(self, tx: Transaction, job: StoredJob) -> StoredJob:
        """Have its trades posted."""
        woken = stored_job(tx.one(Q["wake_job"], id=job.id))
        at = self._clock.now()
        self._tasks.enqueue([post(woken.chain_id, woken.address, woken.id, woken.wakes, at)], tx)
        return woken

    def is_worked_on(self, tx: Statements, job: StoredJob) -> bool:
        """Whether a task about it is under way or due, the offloaded work's included."""
        prefix = f"{name_of(job.chain_id, job.address)}:{job.id}:"
        return bool(tx.one(Q["open_tasks"], prefix=prefix)["open"])

    def _say(self, tx: Transaction, job: StoredJob, event: str) -> None:
        if self._tell is not None:
            self._tell(tx, job, event)
