"""The sweeper: heals what died between commit and send, takes silent workers' tasks, is fair, and cleans up."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.errors import Broken
from kernel.postgres import Postgres
from kernel.tasks import Done, OutgoingMessage, QueueRefused, QueueUnavailable, Task, Tasks, TaskSpec
from kernel.tasks.rows import Q
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration
Spec = Callable[..., TaskSpec]


class DyingSender:
    """A sender whose process is killed before the message is out."""

    def send(self, queue: str, body: Mapping[str, Any], *, delay_s: int, attributes: Mapping[str, str]) -> None:
        os._exit(9)

    def send_many(self, messages: Sequence[OutgoingMessage]) -> None:
        os._exit(9)


def enqueue_and_die(url: str, spec: TaskSpec, now: datetime) -> None:
    Tasks(Postgres(url), DyingSender(), FakeClock(now)).enqueue([spec])


def test_a_death_between_commit_and_send_is_healed(
    tasks: Tasks, route_url: str, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """The process is gone, the task is there; the first sweep after the grace sends it."""
    child = multiprocessing.get_context("spawn").Process(
        target=enqueue_and_die, args=(route_url, spec("orphan", due_s=30), clock.now())
    )
    child.start()
    child.join(30)
    assert child.exitcode == 9

    too_soon = tasks.sweep()
    clock.advance(5)

    assert (too_soon, tasks.sweep(), tasks.sweep()) == (0, 1, 0)
    assert [message.delay_s for message in queue.sent] == [25]


def test_far_tasks_are_sent_two_minutes_ahead(tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec) -> None:
    """Insurance messages included; a task is not sent twice."""
    tasks.enqueue([spec(due_s=600, resend_s=(3,))])
    clock.advance(479)
    before = tasks.sweep()
    clock.advance(1)
    at = tasks.sweep()
    clock.advance(60)

    assert (before, at, tasks.sweep()) == (0, 1, 0)
    assert [message.delay_s for message in queue.sent] == [120, 123]


def test_a_silent_workers_task_is_sent_to_another(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """When its lease runs out and no redelivery took it over."""
    [task_id] = tasks.enqueue([spec()])
    assert isinstance(tasks.claim(task_id, "w", 30), Task)
    queue.sent.clear()
    clock.advance(29)
    living = tasks.sweep()
    clock.advance(1)

    assert (living, tasks.sweep()) == (0, 1)
    assert [message.body for message in queue.sent] == [{"task_id": str(task_id)}]


def test_a_lost_message_is_replaced_after_a_while(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """A sent task that nobody claimed for five minutes is sent again, once per five minutes."""
    tasks.enqueue([spec()])
    sweeps = []
    for _ in range(11):
        clock.advance(60)
        sweeps.append(tasks.sweep())

    assert sweeps == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


def test_a_noisy_kind_does_not_starve_a_quiet_one(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """Ten thousand older tasks of one kind, three of another: the first small sweep sends all three."""
    noisy = [spec(f"n{i}", due_s=200, kind="oracle.noisy") for i in range(10_000)]
    tasks.enqueue(noisy)
    tasks.enqueue([spec(f"q{i}", due_s=290, kind="oracle.quiet") for i in range(3)])
    tasks.enqueue([spec(f"m{i}", due_s=280, kind="bridge.medium") for i in range(60)])
    clock.advance(180)

    sent = tasks.sweep(limit=100)

    by_queue = Counter(message.queue for message in queue.sent)
    assert sent == 100
    assert dict(by_queue) == {"oracle-quiet": 3, "oracle-noisy": 49, "bridge-medium": 48}


class OneQueueAbsent(InMemoryQueue):
    """The queue of one kind is not deployed yet."""

    def send(
        self, queue: str, body: Mapping[str, Any], *, delay_s: int = 0, attributes: Mapping[str, str] | None = None
    ) -> None:
        if queue == "barter-match":
            raise QueueRefused(queue=queue)
        super().send(queue, body, delay_s=delay_s, attributes=attributes)


def test_a_queue_that_refuses_starves_no_other_kind(database: Postgres, clock: FakeClock, spec: Spec) -> None:
    """The others are sent once, not once a sweep; the refusal is told."""
    queue = OneQueueAbsent(clock)
    tasks = Tasks(database, queue, clock)
    tasks.enqueue([spec(kind="barter.match", due_s=600), spec(kind="aaa.first", due_s=600), spec(due_s=600)])
    clock.advance(480)
    for _ in range(2):
        with pytest.raises(QueueRefused):
            tasks.sweep()
        clock.advance(60)

    assert [message.queue for message in queue.sent] == ["aaa-first", "oracle-commit"]


def test_the_oldest_of_a_kind_go_first(tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec) -> None:
    """A backlog is worked off in the order in which it came due."""
    ids = tasks.enqueue([spec(f"k{i}", due_s=1000 - i) for i in range(20)])
    clock.advance(1000)

    for _ in range(4):
        tasks.sweep(limit=5)

    order = [message.body["task_id"] for message in queue.sent]
    assert [{str(i) for i in ids[15:]}, {str(i) for i in ids[:5]}] == [set(order[:5]), set(order[15:])]


def test_two_sweepers_at_once_share_the_work(tasks: Tasks, route_url: str, clock: FakeClock, spec: Spec) -> None:
    """Rows that one has locked are left by the other: nothing is sent twice and nobody waits."""
    tasks.enqueue([spec(f"k{i}", due_s=200) for i in range(100)])
    clock.advance(100)
    other_queue = InMemoryQueue(clock)
    other = Tasks(Postgres(route_url), other_queue, clock)
    with tasks.postgres.transaction() as tx:
        tx.execute("select from kernel.tasks order by id limit 60 for update")
        assert other.sweep() == 40

    assert tasks.sweep() == 60
    assert len(other_queue.sent) == 40


def test_a_sweep_whose_queue_is_away_tries_again(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """The failure is the tick's; the next tick sends."""
    tasks.enqueue([spec(due_s=200)])
    clock.advance(100)
    queue.failing = QueueUnavailable()
    with pytest.raises(QueueUnavailable):
        tasks.sweep()
    queue.failing = None
    clock.advance(60)

    assert tasks.sweep() == 1


def test_closed_windows_are_recorded_without_a_message(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """Workers were all away: the window passes, and the record says so. A living holder is not disturbed."""
    unsent, held, silent = tasks.enqueue(
        [spec("unsent", due_s=130, lives_s=8), spec("held", lives_s=100), spec("silent", lives_s=100)]
    )
    assert isinstance(tasks.claim(held, "w", 900), Task)
    assert isinstance(tasks.claim(silent, "w", 30), Task)
    clock.advance(140)
    queue.sent.clear()

    tasks.sweep()

    states = {record.business_key: record.state for record in map(tasks.get, (unsent, held, silent))}
    assert states == {"unsent": "skipped", "held": "leased", "silent": "skipped"}
    assert queue.sent == []
    assert [(a.owner, a.outcome) for a in tasks.get(silent).attempts] == [("w", "lost"), ("sweeper", "skipped")]


def test_retention_removes_finished_tasks_only(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """Done tasks go with their attempts, oldest first; parked, open and younger ones stay."""
    old, parked, _ready = tasks.enqueue([spec("old"), spec("parked"), spec("ready")])
    for task_id, outcome in ((old, Done()), (parked, Broken())):
        task = tasks.claim(task_id, "w", 30)
        assert isinstance(task, Task)
        tasks.finish(task.fence, outcome)
    clock.advance(86_400)
    [young] = tasks.enqueue([spec("young")])
    task = tasks.claim(young, "w", 30)
    assert isinstance(task, Task)
    tasks.finish(task.fence, Done())

    removed = tasks.remove_finished(clock.now() - timedelta(hours=1))

    with tasks.postgres.transaction() as tx:
        left = {row["business_key"] for row in tx.all("select business_key from kernel.tasks")}
        attempts = tx.one("select count(*) as n from kernel.task_attempts")["n"]
    assert (1, {"parked", "ready", "young"}, 2) == (removed, left, attempts)


def test_the_trace_of_a_business_key_crosses_kinds(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """Commit, reveal and sign of one round, in the order they were asked for."""
    for kind in ("oracle.commit", "oracle.reveal", "oracle.sign"):
        tasks.enqueue([spec("round-5", kind=kind)])
    tasks.enqueue([spec("round-6")])

    assert [record.kind for record in tasks.about("round-5")] == ["oracle.commit", "oracle.reveal", "oracle.sign"]


def test_the_sweep_reads_indexes_only(tasks: Tasks, route_url: str, clock: FakeClock, spec: Spec) -> None:
    """With many finished tasks in the table the sweep's statements still go by the partial indexes."""
    tasks.enqueue([spec(f"k{i}", due_s=200, kind=f"oracle.kind{i % 5}") for i in range(2000)])
    parameters: dict[str, Any] = {
        "kinds": ["oracle.kind1"],
        "shares": [100],
        "limit": 100,
        "sweep_at": datetime(2026, 1, 2, tzinfo=UTC),
        "now": clock.now() + timedelta(seconds=100),
    }
    with Postgres(route_url).transaction() as tx:
        tx.execute("update kernel.tasks set state = 'done', finished_at = now() where right(business_key, 1) > '0'")
        tx.execute("analyze kernel.tasks")
        tx.execute("set local enable_seqscan = off")
        plans = {
            name: "\n".join(row["QUERY PLAN"] for row in tx.all("explain " + Q[name], **parameters))
            for name in ("open_kinds", "take_shares", "lock_expired")
        }

    assert "tasks_open" in plans["open_kinds"]
    assert "tasks_open" in plans["take_shares"]
    assert "tasks_expiring" in plans["lock_expired"]
    assert "Seq Scan on tasks" not in "".join(plans.values())
