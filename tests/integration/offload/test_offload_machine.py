"""A hypothesis state machine: jobs on a real Postgres, computers that lie, fail and fall silent, workers that die.

The model knows nothing of the transition table: it knows which calls were made and what each would answer, and says in
its own words what must hold of every job at every moment.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from kernel.errors import CounterpartError, LeaseLost
from kernel.offload import Computed
from kernel.offload.jobs import Refusal
from kernel.offload.modal import ModalUnavailable
from kernel.offload.providers import Gone
from kernel.postgres import Postgres
from kernel.tasks import Fence, NotClaimed
from kernel.testing import FakeClock, InMemoryQueue
from tests.integration.offload.conftest import LARGE, ROLE, SMALL, Desk
from tests.machines import run_machine

pytestmark = pytest.mark.integration
KEYS = ("large", "small")
ATTEMPTS_MAX, VALID_S = 4, 3_600
STANDINGS = """
    select job.business_key, job.state, job.attempt, job.result, job.reason,
        (select array_agg(outcome order by attempt) from kernel.offload_attempts where job_id = job.id) as outcomes,
        (select array_agg(attempt) from kernel.offload_attempts where job_id = job.id) as numbers,
        (select state from kernel.tasks t where t.business_key = job.business_key and kind = job.poll_kind) as poll,
        (select count(*) from kernel.tasks t where t.business_key = job.business_key and kind = job.then_kind) as told
    from kernel.offload_jobs job
"""


class Died(Exception):
    """A worker ended without a word."""


@dataclass
class Known:
    """What the model remembers of a job: its end, once it has one, and who was seen to hold its task."""

    end: dict[str, Any] | None = None
    sleepers: list[Fence] = field(default_factory=list)


class OffloadLife(RuleBasedStateMachine):
    """Steps of workers, computers, and time."""

    database: Postgres
    owner: Postgres

    def __init__(self) -> None:
        super().__init__()
        with self.owner.transaction() as tx:
            tx.execute("truncate kernel.tasks, kernel.offload_attempts, kernel.offload_jobs cascade")
        clock = FakeClock()
        self.desk = Desk(self.database, clock, InMemoryQueue(clock))
        self.known = {key: Known() for key in KEYS}

    @initialize()
    def ask(self) -> None:
        """Both jobs are asked for; one can be computed in process."""
        until = self.desk.clock.now() + timedelta(seconds=VALID_S)
        for key, work in (("large", LARGE), ("small", SMALL)):
            self.desk.ask(key, work=work, attempts_max=ATTEMPTS_MAX, valid_until=until)

    @rule(key=st.sampled_from(KEYS))
    def work(self, key: str) -> None:
        """A worker takes the poll task, if it may, and goes as far as it goes."""
        self._advance(key, self._claimed(key))

    @rule(key=st.sampled_from(KEYS), silent=st.booleans())
    def die(self, key: str, silent: bool) -> None:
        """A worker dies, before its call is made or after; its lease runs out."""
        fence = self._claimed(key)
        if fence is None:
            return
        if not silent:
            self.desk.modal.failing = Died()
            with suppress(Died, LeaseLost, ModalUnavailable):
                self.desk.offload.advance(self.desk.job(key).id, fence, self.check)
            self.desk.modal.failing = None
        self.desk.clock.advance(61)

    @rule(key=st.sampled_from(KEYS))
    def fall_asleep(self, key: str) -> None:
        """A worker freezes with the task in its hands."""
        fence = self._claimed(key)
        if fence is not None:
            self.known[key].sleepers.append(fence)
            self.desk.clock.advance(61)

    @rule(key=st.sampled_from(KEYS))
    def wake_up(self, key: str) -> None:
        """It goes on where it was, however much later."""
        if self.known[key].sleepers:
            self._advance(key, self.known[key].sleepers.pop())

    @precondition(lambda self: self.desk.modal.calls)
    @rule(data=st.data(), ending=st.sampled_from(["right", "right", "wrong", "refused", "failed"]))
    def compute(self, data: st.DataObject, ending: str) -> None:
        """A call that somebody made, known or not, comes to an end."""
        call_id = data.draw(st.sampled_from(sorted(self.desk.modal.calls)))
        if call_id in self.desk.modal.answers:
            return
        if ending in ("right", "wrong"):
            self.desk.modal.finish(call_id, {"number": 42 if ending == "right" else 41})
        else:
            gone = Refusal("no") if ending == "refused" else Gone("failed", "MemoryError")
            self.desk.modal.answers[call_id] = gone

    @rule(key=st.sampled_from(KEYS), attempt=st.integers(1, 6))
    def announce(self, key: str, attempt: int) -> None:
        """Somebody says, rightly or not, that an attempt has ended."""
        job = self.desk.job(key)
        woken = self.desk.wake(key, attempt)

        assert not woken or (job.state == "running" and attempt == job.attempt)

    @rule(seconds=st.sampled_from([1.0, 61.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.clock.advance(seconds)

    @rule(refuses=st.booleans())
    def turn(self, refuses: bool) -> None:
        """Elsewhere takes calls again, or none."""
        self.desk.modal.refusing = ModalUnavailable() if refuses else None

    def check(self, computed: Computed) -> str | None:
        """The caller's check."""
        return None if computed.result == {"number": 42} else "it is wrong"

    @invariant()
    def every_job_keeps_the_promise(self) -> None:
        """One right result or none, told once, at the end; the newest attempt alone is open; ends stay as they are."""
        with self.desk.postgres.transaction() as tx:
            for job in tx.all(STANDINGS):
                known, outcomes = self.known[job["business_key"]], job["outcomes"] or []
                assert len(outcomes) == job["attempt"] == len(set(job["numbers"] or []))
                assert None not in outcomes[:-1]
                assert len([one for one in outcomes if one != "not_made"]) <= ATTEMPTS_MAX
                assert (job["state"] in ("called", "running")) == (outcomes[-1:] == [None])
                assert (job["result"] == {"number": 42}) == (job["state"] == "completed")
                ended = job["state"] in ("completed", "failed")
                assert (job["told"], job["poll"] == "done") == (int(ended), ended)
                assert known.end in (None, job)
                known.end = job if ended else None

    def _claimed(self, key: str) -> Fence | None:
        claimed = self.desk.tasks.claim(self.desk.task_id(key), "worker", 60)
        return None if isinstance(claimed, NotClaimed) else claimed.fence

    def _advance(self, key: str, fence: Fence | None) -> None:
        if fence is None:
            return
        try:
            ending: Any = self.desk.offload.advance(self.desk.job(key).id, fence, self.check)
        except LeaseLost:
            return
        except CounterpartError as failure:
            ending = failure
        try:
            self.desk.tasks.finish(fence, ending)
        except LeaseLost:
            return


@pytest.mark.timeout(600)
def test_jobs_live_as_promised(database_url: str, volume: Callable[[int, int], int]) -> None:
    """Whatever the order of deaths, sleepers, lies, silences and announcements."""
    database, owner = Postgres(database_url, role=ROLE), Postgres(database_url)
    machine = type("OffloadLifeHere", (OffloadLife,), {"database": database, "owner": owner})

    run_machine(machine, examples=volume(5, 1000))
    for one in (database, owner):
        one.close()
