"""Owns jobs and their attempts in Postgres, one method for each transaction. Times are given by the caller."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.errors import LeaseLost, NotFound
from kernel.ids import new_id
from kernel.offload.jobs import Answer, Attempt, Job, JobChanged, OffloadJob, Stored
from kernel.offload.lifecycle import Event, State, after
from kernel.offload.routing import Estimate, Place, Work
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.postgres.text import storable

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
TEXT_MAX: Final = 2_000


class JobStore:
    """The two tables of offloading."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def record(self, tx: Transaction, job: Job, now: datetime) -> tuple[UUID, bool]:
        """Store a job in the caller's transaction; its id, and whether it is new. Raises JobChanged."""
        job_id = new_id()
        if tx.execute(Q["record_job"], id=job_id, now=now, **job.row()):
            return job_id, True
        known = tx.one(Q["job_by_key"], business_key=job.business_key)
        if any(known[name] != value for name, value in job.columns().items()):
            raise JobChanged(business_key=job.business_key)
        return known["id"], False

    def job(self, job_id: UUID) -> OffloadJob:
        """A job with its attempts. Raises NotFound."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["job"], id=job_id)
            if row is None:
                raise NotFound("There is no such job.", job=str(job_id))
            return _job(row, tx.all(Q["attempts"], id=job_id))

    def job_by_key(self, business_key: str) -> OffloadJob | None:
        """The same by business key, or None."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["job_by_key"], business_key=business_key)
            return None if row is None else _job(row, tx.all(Q["attempts"], id=row["id"]))

    def begin(
        self, job: OffloadJob, fence: Fence, estimate: Estimate, *, loses: bool, give_up_at: datetime, now: datetime
    ) -> OffloadJob:
        """Write an attempt down; the job with it. loses: the one under way came to nothing. Raises LeaseLost."""
        with self._postgres.transaction(holding=fence) as tx:
            events = (Event.LOSE, Event.CALL) if loses else (Event.CALL,)
            state, attempt = after(self._locked(tx, job), *events), job.attempt + 1
            if loses:
                self._end_attempt(tx, job, "lost", "nobody knows whether its call was made", now)
            self._move(tx, job, state, attempt, None, now)
            tx.execute(
                Q["begin_attempt"],
                id=job.id,
                attempt=attempt,
                provider=str(estimate.place),
                estimate_ms=estimate.time_ms,
                price_microusd=estimate.price_microusd,
                fence=fence.token,
                give_up_at=give_up_at,
                now=now,
            )
        begun = Attempt(attempt=attempt, place=estimate.place, begun_at=now, give_up_at=give_up_at)
        return replace(job, state=state, attempt=attempt, attempts=(*job.attempts, begun))

    def accept(self, job: OffloadJob, fence: Fence, call_id: str, now: datetime) -> None:
        """Keep the call id of the attempt under way. Raises LeaseLost: then nobody asks for its result."""
        with self._postgres.transaction(holding=fence) as tx:
            state = self._locked(tx, job)
            tx.execute(Q["keep_call"], id=job.id, attempt=job.attempt, call_id=call_id)
            self._move(tx, job, after(state, Event.ACCEPT), job.attempt, None, now)

    def lose(self, job: OffloadJob, fence: Fence, *, outcome: str, reason: str, now: datetime) -> None:
        """The attempt under way came to nothing. Raises LeaseLost."""
        with self._postgres.transaction(holding=fence) as tx:
            state = self._locked(tx, job)
            self._end_attempt(tx, job, outcome, reason, now)
            self._move(tx, job, after(state, Event.LOSE), job.attempt, reason, now)

    def complete(self, tx: Transaction, job: OffloadJob, answer: Answer, now: datetime) -> None:
        """Store a checked result in the transaction that holds the task. Raises LeaseLost."""
        state, output = self._locked(tx, job), answer.output
        self._end_attempt(tx, job, "completed", None, now)
        tx.execute(
            Q["end_job"],
            id=job.id,
            state=str(after(state, Event.COMPLETE)),
            result=dict(answer.result),
            output_key=output and output.key,
            output_sha256=output and output.sha256,
            output_bytes=output and output.size_bytes,
            reason=None,
            now=now,
        )

    def fail(self, tx: Transaction, job: OffloadJob, *, outcome: str, reason: str, now: datetime) -> None:
        """End a job without a result in the transaction that holds the task. Raises LeaseLost."""
        state, told = self._locked(tx, job), storable(reason, TEXT_MAX)
        self._end_attempt(tx, job, outcome, told, now)
        nothing = dict.fromkeys(("result", "output_key", "output_sha256", "output_bytes"))
        tx.execute(Q["end_job"], id=job.id, state=str(after(state, Event.FAIL)), reason=told, now=now, **nothing)

    def hint(self, tx: Transaction, job_id: UUID, attempt: int, now: datetime) -> tuple[str, str] | None:
        """Kind and business key of the poll task, if this is the first word of the newest attempt's end."""
        row = tx.maybe(Q["hint"], id=job_id, attempt=attempt, now=now)
        return None if row is None else (row["poll_kind"], row["business_key"])

    def overdue(self, before: datetime) -> int:
        """How many open jobs nobody has driven since a moment."""
        with self._postgres.transaction() as tx:
            amount: int = tx.one(Q["overdue"], before=before)["amount"]
            return amount

    def remove_ended(self, before: datetime, limit: int) -> int:
        """Remove jobs that ended before a moment; how many."""
        with self._postgres.transaction() as tx:
            return tx.execute(Q["remove_ended"], before=before, limit=limit)

    def _locked(self, tx: Transaction, job: OffloadJob) -> State:
        """The state of the row, locked; LeaseLost where it has moved on since `job` was read."""
        row = tx.one(Q["lock_job"], id=job.id)
        if row["attempt"] != job.attempt:
            raise LeaseLost(job=str(job.id), attempt=job.attempt)
        return State(row["state"])

    def _move(
        self, tx: Transaction, job: OffloadJob, state: State, attempt: int, reason: str | None, now: datetime
    ) -> None:
        told = reason and storable(reason, TEXT_MAX)
        tx.execute(Q["move_job"], id=job.id, state=str(state), attempt=attempt, reason=told, now=now)

    def _end_attempt(self, tx: Transaction, job: OffloadJob, outcome: str, error: str | None, now: datetime) -> None:
        told = error and storable(error, TEXT_MAX)
        tx.execute(Q["end_attempt"], id=job.id, attempt=job.attempt, outcome=outcome, error=told, now=now)


def _job(row: Mapping[str, Any], attempts: list[dict[str, Any]]) -> OffloadJob:
    return OffloadJob(
        **{name: row[name] for name in OffloadJob.__slots__ if name in row and name not in {"work", "state"}},
        state=State(row["state"]),
        work=Work(**row["work"]),
        input=_input(row),
        output=_output(row),
        attempts=tuple(Attempt(place=Place(one.pop("provider")), **one) for one in attempts),
    )


def _input(row: Mapping[str, Any]) -> Stored | None:
    if row["input_sha256"] is None:
        return None
    sha256 = bytes(row["input_sha256"])
    return Stored(key=input_key(sha256), sha256=sha256, size_bytes=row["input_bytes"])


def _output(row: Mapping[str, Any]) -> Stored | None:
    if row["output_key"] is None:
        return None
    return Stored(key=row["output_key"], sha256=bytes(row["output_sha256"]), size_bytes=row["output_bytes"])


def input_key(sha256: bytes) -> str:
    """Where an input lies: by its contents, so that it is what it was, and putting it there twice is once."""
    return f"offload/input/{sha256.hex()}"
