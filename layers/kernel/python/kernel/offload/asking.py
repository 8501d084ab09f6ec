"""Owns what a service does with jobs: keep an input, ask in its own transaction, wake the poll, read what came out."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import Transient
from kernel.hashes import sha256
from kernel.offload.jobs import OBJECT_MAX_BYTES, Job, ObjectTooLarge, OffloadJob, Stored
from kernel.offload.objects import Objects, put, read
from kernel.offload.store import JobStore, input_key
from kernel.postgres import Postgres, Transaction
from kernel.tasks import Tasks

#: A poll that is away for a moment is no news; one that is away for so long is.
OVERDUE: Final = timedelta(minutes=10)


class JobsOverdue(Transient):
    """Computations that were asked for are not driven."""

    cause = "Nobody computes (the provider is away, its token is refused), or the poll tasks are parked or not sent."
    remedy = (
        "Read the breaker of `modal` and the parked tasks of kind ops.poll_offload; details say how many jobs wait."
    )
    example = '{"jobs": 3}'


class Jobs:
    """The jobs of one database; the slices' side, which needs nobody who computes."""

    def __init__(self, postgres: Postgres, tasks: Tasks, objects: Objects, clock: Clock | None = None) -> None:
        self._tasks, self._objects = tasks, objects
        self._clock: Clock = clock or SystemClock()
        self._store = JobStore(postgres)

    def keep_input(self, content: bytes) -> Stored:
        """Store what is too large for arguments, before its job is asked for.

        Raises ObjectTooLarge, ObjectsUnavailable, ObjectsUnusable.
        """
        if len(content) > OBJECT_MAX_BYTES:
            raise ObjectTooLarge(bytes_max=OBJECT_MAX_BYTES)
        return put(self._objects, input_key(sha256(content)), content)

    def submit(self, tx: Transaction, job: Job) -> UUID:
        """Ask for a job in the caller's transaction; its id. Idempotent by business key. Raises JobChanged."""
        now = self._clock.now()
        job_id, is_new = self._store.record(tx, job, now)
        if is_new:
            self._tasks.enqueue([job.poll_task(job_id, now)], tx)
        return job_id

    def job(self, job_id: UUID) -> OffloadJob:
        """A job as it stands. Raises NotFound."""
        return self._store.job(job_id)

    def job_of(self, business_key: str) -> OffloadJob | None:
        """The same by business key, or None where nobody asked."""
        return self._store.job_by_key(business_key)

    def output(self, job: OffloadJob) -> bytes | None:
        """What a completed job put out besides its result. Raises ObjectChanged, ObjectAbsent, ObjectsUnavailable."""
        return None if job.output is None else read(self._objects, job.output)

    def wake(self, tx: Transaction, job_id: UUID, attempt: int) -> bool:
        """Poll now, because somebody says that this attempt has ended; whether that was news.

        Only the first word about the newest attempt moves anything, so a repeated or forged one costs a poll at most.
        """
        poll = self._store.hint(tx, job_id, attempt, self._clock.now())
        return poll is not None and self._tasks.hasten(tx, *poll)

    def check(self) -> None:
        """Raises JobsOverdue where open jobs are driven by nobody."""
        waiting = self._store.overdue(self._clock.now() - OVERDUE)
        if waiting:
            raise JobsOverdue(jobs=waiting)

    def remove_ended(self, before: datetime, limit: int) -> int:
        """Retention: remove jobs that ended before a moment, with their attempts; how many."""
        return self._store.remove_ended(before, limit)
