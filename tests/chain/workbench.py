"""What the desks of both chain families have in common: obligations over a real database, worked by hand."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from kernel.errors import CounterpartError
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import NotClaimed, Outcome, Tasks
from kernel.tasks.model import Task
from kernel.testing import FakeClock, InMemoryQueue

LEASE_S = 60.0
ROUNDS_MAX = 60


class Died(BaseException):
    """The process dies here; no except clause of ours may catch it."""


class Settling(Protocol):
    """An entry of either outbox."""

    @property
    def id(self) -> UUID: ...
    @property
    def settled(self) -> bool: ...


Intent = TypeVar("Intent")
Intent_contra = TypeVar("Intent_contra", contravariant=True)
Entry = TypeVar("Entry", bound=Settling)
Entry_co = TypeVar("Entry_co", bound=Settling, covariant=True)


class Outbox(Protocol[Intent_contra, Entry_co]):
    """An outbox of either chain family."""

    def record_many(self, tx: Transaction, intents: Sequence[Intent_contra]) -> list[UUID]: ...
    def entry(self, business_key: str) -> Entry_co | None: ...
    def advance(self, entry_id: UUID, fence: Fence) -> Outcome: ...


class Workbench(ABC, Generic[Intent, Entry]):
    """One database, one queue, and a clock that tests move. `outbox()` is a new process each time."""

    #: The outbox works with the rights of a slice, never with more.
    role: str
    clock: FakeClock
    database_url: str

    def connect(self) -> None:
        """Open the database and the queue."""
        self.postgres = Postgres(self.database_url, self.clock, role=self.role)
        self.queue = InMemoryQueue(self.clock)
        self.tasks = Tasks(self.postgres, self.queue, self.clock)

    @abstractmethod
    def outbox(self) -> Outbox[Intent, Entry]: ...

    @abstractmethod
    def intent(self, key: str, **changes: Any) -> Intent: ...

    def record(self, *keys: str, **changes: Any) -> list[UUID]:
        outbox = self.outbox()
        with self.postgres.transaction() as tx:
            return outbox.record_many(tx, [self.intent(key, **changes) for key in keys])

    def record_elsewhere(self, *keys: str) -> list[UUID]:
        """The same over a connection of its own, as another container does."""
        with closing(Postgres(self.database_url, self.clock, role=self.role)) as postgres, postgres.transaction() as tx:
            return self.outbox().record_many(tx, [self.intent(key) for key in keys])

    def entry(self, key: str) -> Entry:
        entry = self.outbox().entry(key)
        assert entry is not None, key
        return entry

    def claim(self, key: str) -> Task[dict[str, Any]]:
        (record,) = self.tasks.about(key)
        task = self.tasks.claim(record.id, "desk", LEASE_S)
        assert not isinstance(task, NotClaimed), task
        return task

    def step(self, key: str, outbox: Outbox[Intent, Entry] | None = None) -> Outcome:
        """One run of the submit task; a Died leaves the task leased, as a dead process does."""
        self.wait_until_due(key)
        task = self.claim(key)
        outcome = (outbox or self.outbox()).advance(UUID(task.payload["entry_id"]), task.fence)
        self.tasks.finish(task.fence, outcome)
        return outcome

    def try_step(self, key: str, outbox: Callable[[], Outbox[Intent, Entry]]) -> None:
        """A worker takes the task if it is due, and does what it can or dies."""
        (record,) = self.tasks.about(key)
        task = self.tasks.claim(record.id, "desk", LEASE_S)
        if isinstance(task, NotClaimed):
            return
        try:
            outcome = outbox().advance(self.entry(key).id, task.fence)
        except Died:
            return
        except CounterpartError as failure:
            self.tasks.finish(task.fence, failure)
        else:
            self.tasks.finish(task.fence, outcome)

    def work_until_settled(self, key: str, between: Callable[[], object]) -> Entry:
        """Run the task until the entry is settled, and do something between two runs."""
        outbox = self.outbox()
        for _ in range(ROUNDS_MAX):
            entry = self.entry(key)
            if entry.settled:
                return entry
            self.step(key, outbox)
            between()
        raise AssertionError(f"not settled: {self.entry(key)}")

    def wait_until_due(self, key: str) -> None:
        (record,) = self.tasks.about(key)
        self.advance_to(max(record.run_at, record.lease_until or record.run_at))

    def advance_to(self, moment: datetime) -> None:
        self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.postgres.transaction() as tx:
            return tx.all(sql)
