"""Offloading on a real Postgres, by both routes, with a clock that stands still and computers that tests command."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from kernel.offload import Computed, Job, Jobs, Offload, Place, Work
from kernel.offload.providers import InProcess, Provider
from kernel.offload.rates import DEFAULTS
from kernel.offload.routing import Rates
from kernel.postgres import Postgres
from kernel.tasks import Fence, NotClaimed, Outcome, Tasks
from kernel.testing import FakeClock, InMemoryObjects, InMemoryQueue
from tests.integration.offload.elsewhere import Elsewhere, double

ROLE, THEN = "counterpart_ops", "ops.take_result"
#: Small enough for this process, and so large that this process would take hours.
SMALL = Work(units=1, in_process_units_per_s=1_000, gpu_units_per_s=1_000_000)
LARGE = replace(SMALL, units=10_000_000)


@dataclass
class Desk:
    """Asks for jobs, works their poll tasks, and shows what became of them."""

    postgres: Postgres
    clock: FakeClock
    queue: InMemoryQueue
    rates: Rates = DEFAULTS
    problem: str | None = None
    checked: list[Computed] = field(default_factory=list)
    objects: InMemoryObjects = field(default_factory=InMemoryObjects)
    functions: dict[str, Any] = field(default_factory=lambda: {"double": double})

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.postgres, self.queue, self.clock, chance=lambda: 0.5)
        self.jobs = Jobs(self.postgres, self.tasks, self.objects, self.clock)
        self.modal = Elsewhere(self.objects)
        providers: dict[Place, Provider] = {
            Place.IN_PROCESS: InProcess(self.functions.get, self.objects),
            Place.MODAL: self.modal,
        }
        self.offload = Offload(self.postgres, self.tasks, self.objects, providers, self.clock, rates=lambda: self.rates)

    def ask(self, key: str = "one", *, work: Work = SMALL, **fields: Any) -> UUID:
        given = {"service": "ops", "function": "double", "arguments": {"number": 21}, "then_kind": THEN} | fields
        with self.postgres.transaction() as tx:
            return self.jobs.submit(tx, Job(business_key=key, work=work, **given))

    def check(self, computed: Computed) -> str | None:
        """The caller's check: it finds what the test says."""
        self.checked.append(computed)
        return self.problem

    def claim(self, key: str = "one") -> Fence:
        """Hold the poll task, as a worker does whose message has come."""
        claimed = self.tasks.claim(self.task_id(key), "worker", 60)
        assert not isinstance(claimed, NotClaimed), claimed
        return claimed.fence

    def step(self, key: str = "one") -> Outcome:
        """One run of the poll task, when it is due."""
        self.clock.advance(max(0.0, (self.task(key)["run_at"] - self.clock.now()).total_seconds()))
        fence = self.claim(key)
        try:
            outcome = self.offload.advance(self.job(key).id, fence, self.check)
        except Exception as failure:
            self.tasks.finish(fence, failure)
            raise
        self.tasks.finish(fence, outcome)
        return outcome

    def wake(self, key: str = "one", attempt: int | None = None) -> bool:
        """What a signed word about an attempt does."""
        job = self.job(key)
        with self.postgres.transaction() as tx:
            return self.jobs.wake(tx, job.id, attempt or job.attempt)

    def job(self, key: str = "one") -> Any:
        job = self.jobs.job_of(key)
        assert job is not None
        return job

    def task(self, key: str = "one", kind: str = "ops.poll_offload") -> Mapping[str, Any]:
        rows = self.rows(
            "select * from kernel.tasks where business_key = %(key)s and kind = %(kind)s", key=key, kind=kind
        )
        assert len(rows) == 1
        return rows[0]

    def task_id(self, key: str) -> UUID:
        task_id: UUID = self.task(key)["id"]
        return task_id

    def told(self, key: str = "one") -> int:
        """How often whoever asked was told of the end."""
        sql = "select 1 from kernel.tasks where business_key = %(key)s and kind = %(kind)s"
        return len(self.rows(sql, key=key, kind=THEN))

    def outcomes(self, key: str = "one") -> list[tuple[str, str | None]]:
        """Where each attempt was made, and what it came to."""
        return [(str(one.place), one.outcome) for one in self.job(key).attempts]

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.postgres.transaction() as tx:
            return tx.all(sql, **params)


@pytest.fixture
def desk(route_url: str) -> Iterator[Desk]:
    clock = FakeClock()
    postgres = Postgres(route_url, role=ROLE)
    yield Desk(postgres, clock, InMemoryQueue(clock))
    postgres.close()
