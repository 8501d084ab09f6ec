"""A hypothesis state machine: tasks on a real Postgres against a model of a few lines, under every order of events.

Workers claim, dawdle past their leases, commit late, fail, die; messages are lost, repeated and buried; operators
replay. The model knows nothing of the transition table: it says in its own words what must come of each step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from kernel.errors import Broken, Conflict, LeaseLost, Rejected
from kernel.postgres import Fence, Postgres
from kernel.tasks import DeadLetters, Done, NotClaimed, Outcome, Retry, Skipped, Task, Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue
from tests.machines import run_machine

pytestmark = pytest.mark.integration
STANDINGS = """
    select id, state, attempt, run_at,
        (select array_agg(outcome order by fence) from kernel.task_attempts where task_id = task.id) as ends,
        (select count(*) from public.effects where task_id = task.id) as effects
    from kernel.tasks task
"""


@dataclass
class Expected:
    """What the model knows of one task."""

    run_at: datetime
    expires_at: datetime | None
    attempts_max: int
    state: str = "ready"
    failures: int = 0  # attempts that count, the running one included
    holder: Fence | None = None
    lease_until: datetime | None = None
    effects: int = 0
    outcomes: list[str | None] = field(default_factory=list)

    def is_held(self, now: datetime) -> bool:
        return self.state == "leased" and self.lease_until is not None and self.lease_until > now

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def end(self, state: str, outcome: str) -> None:
        """The holder's own ending."""
        self.state, self.holder, self.lease_until = state, self.holder, None
        self.outcomes[-1] = outcome

    def overrule(self, state: str, outcome: str) -> None:
        """An ending that no holder made: a silent one is lost first."""
        if self.outcomes and self.outcomes[-1] is None:
            self.outcomes[-1] = "lost"
        self.state, self.holder, self.lease_until = state, None, None
        self.outcomes.append(outcome)


class TaskLife(RuleBasedStateMachine):
    """Steps of workers, sweepers, operators and time."""

    database: Postgres
    ids = Bundle("ids")
    fences = Bundle("fences")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.queue = InMemoryQueue(self.clock)
        self.tasks = Tasks(self.database, self.queue, self.clock, chance=lambda: 1.0)
        self.letters = DeadLetters(self.tasks)
        self.model: dict[UUID, Expected] = {}
        with self.database.transaction() as tx:
            tx.execute("truncate kernel.tasks, kernel.dead_letters, public.effects cascade")

    @rule(
        target=ids,
        key=st.sampled_from("abc"),
        due_s=st.sampled_from([0, 0, 1, 130]),
        lives_s=st.sampled_from([None, 5, 40]),
        attempts_max=st.integers(1, 3),
    )
    def enqueue(self, key: str, due_s: int, lives_s: int | None, attempts_max: int) -> UUID:
        return self._ask(key, due_s, lives_s, attempts_max)

    @initialize(target=ids)
    def begin_with_due_tasks(self) -> Any:
        return multiple(self._ask("a", 0, None, 3), self._ask("b", 0, 5, 3))

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(target=fences, task_id=ids, lease_s=st.sampled_from([0.0, 0.0, 2.0, 60.0]))
    def claim(self, task_id: UUID, lease_s: float) -> Any:
        now, task = self.clock.now(), self.model[task_id]
        answer = self.tasks.claim(task_id, "worker", lease_s)
        if task.state not in ("ready", "leased") or task.is_held(now):
            assert isinstance(answer, NotClaimed)
        elif task.has_expired(now):
            assert isinstance(answer, NotClaimed)
            task.overrule("skipped", "skipped")
        elif task.failures >= task.attempts_max:
            assert isinstance(answer, NotClaimed)
            task.overrule("parked", "parked")
        elif task.run_at > now + timedelta(seconds=1):
            assert answer == NotClaimed("early", is_early=True)
        else:
            assert isinstance(answer, Task)
            if task.outcomes and task.outcomes[-1] is None:
                task.outcomes[-1] = "lost"
            task.outcomes.append(None)
            task.state, task.holder, task.failures = "leased", answer.fence, task.failures + 1
            task.lease_until = now + timedelta(seconds=lease_s)
            assert answer.attempt == task.failures
            return answer.fence
        return multiple()

    @rule(fence=fences)
    def commit_effect(self, fence: Fence) -> None:
        task = self.model[fence.task_id]
        if task.holder != fence or task.state != "leased":
            with pytest.raises(LeaseLost):
                self._commit(fence)
        else:
            self._commit(fence)
            task.effects += 1
            task.end("done", "done")

    @rule(fence=fences, ending=st.sampled_from(["done", "retry", "skip", "reject", "break", "fail"]))
    def finish(self, fence: Fence, ending: str) -> None:
        now, task = self.clock.now(), self.model[fence.task_id]
        outcomes: dict[str, Outcome | BaseException] = {
            "done": Done(),
            "retry": Retry(2, "not yet"),
            "skip": Skipped("nothing"),
            "reject": Rejected(),
            "break": Broken(),
            "fail": OSError("away"),
        }
        outcome = outcomes[ending]
        if task.holder != fence:
            with pytest.raises(LeaseLost):
                self.tasks.finish(fence, outcome)
            return
        self.tasks.finish(fence, outcome)
        if task.state != "leased":
            return
        if ending == "retry":
            task.failures -= 1
            task.run_at = now + timedelta(seconds=2)
            task.end("ready", "retried")
        elif ending == "fail" and task.failures < task.attempts_max:
            task.run_at = now + timedelta(seconds=2 ** (task.failures - 1))
            task.end("ready", "retried")
        else:
            state = {"done": "done", "skip": "skipped", "reject": "dropped", "break": "parked", "fail": "parked"}[
                ending
            ]
            task.end(state, state)

    @rule(fence=fences)
    def renew(self, fence: Fence) -> None:
        task = self.model[fence.task_id]
        if task.holder != fence or task.state != "leased":
            with pytest.raises(LeaseLost):
                self.tasks.renew(fence, 60)
        else:
            self.tasks.renew(fence, 60)
            task.lease_until = self.clock.now() + timedelta(seconds=60)

    @rule()
    def sweep(self) -> None:
        self.tasks.sweep()
        now = self.clock.now()
        for task in self.model.values():
            if task.state in ("ready", "leased") and task.has_expired(now) and not task.is_held(now):
                task.overrule("skipped", "skipped")

    @rule(task_id=ids)
    def bury(self, task_id: UUID) -> None:
        task = self.model[task_id]
        verdict = self.letters.bury(queue="q", message_id=str(uuid4()), body=f'{{"task_id": "{task_id}"}}')
        if task.state == "leased" and not task.is_held(self.clock.now()):
            assert verdict == "parked"
            task.overrule("parked", "parked")
        else:
            assert verdict == ("still_open" if task.state in ("ready", "leased") else "already_finished")

    @rule(task_id=ids)
    def replay(self, task_id: UUID) -> None:
        task = self.model[task_id]
        if task.state in ("parked", "dropped"):
            self.tasks.replay(task_id, "ada")
            task.overrule("ready", "replayed")
            task.failures, task.run_at = 0, self.clock.now()
        else:
            with pytest.raises(Conflict):
                self.tasks.replay(task_id, "ada")

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        with self.database.transaction() as tx:
            rows = {
                row["id"]: (row["state"], row["attempt"], row["run_at"], row["ends"] or [], row["effects"])
                for row in tx.all(STANDINGS)
            }

        assert rows == {
            task_id: (task.state, task.failures, task.run_at, task.outcomes, task.effects)
            for task_id, task in self.model.items()
        }
        assert all(effects <= 1 for *_, effects in rows.values())

    def _ask(self, key: str, due_s: int, lives_s: int | None, attempts_max: int) -> UUID:
        run_at = self.clock.now() + timedelta(seconds=due_s)
        expires_at = run_at + timedelta(seconds=lives_s) if lives_s else None
        spec = TaskSpec(
            kind="oracle.life",
            business_key=key,
            payload={},
            run_at=run_at,
            expires_at=expires_at,
            attempts_max=attempts_max,
        )
        [task_id] = self.tasks.enqueue([spec])
        self.model.setdefault(task_id, Expected(run_at, expires_at, attempts_max))
        return task_id

    def _commit(self, fence: Fence) -> None:
        with self.database.transaction(holding=fence) as tx:
            tx.execute("insert into public.effects values (%(id)s)", id=fence.task_id)
            self.tasks.complete(tx, fence)


@pytest.mark.timeout(600)
def test_tasks_live_as_the_model_says(route_url: str, volume: Callable[[int, int], int]) -> None:
    """Whatever the order of claims, late commits, failures, deaths, burials, replays and sweeps."""
    database = Postgres(route_url)
    with database.transaction() as tx:
        tx.execute("create table public.effects (task_id uuid)")
    machine = type("TaskLifeHere", (TaskLife,), {"database": database})

    run_machine(machine, examples=volume(40, 1000))
