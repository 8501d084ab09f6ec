"""Claims, leases and fences: who holds a task, for how long, and what a holder that lost it may still do (nothing)."""

from collections.abc import Callable
from typing import Any

import pytest

from kernel.errors import Conflict, DatabaseUnavailable, LeaseLost, NotFound, Rejected
from kernel.ids import new_id
from kernel.postgres import Postgres
from kernel.tasks import Done, NotClaimed, Retry, Skipped, Task, Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration
Spec = Callable[..., TaskSpec]


def claimed(tasks: Tasks, spec: TaskSpec, *, owner: str = "worker-1", lease_s: float = 30) -> Task[dict[str, Any]]:
    [task_id] = tasks.enqueue([spec])
    task = tasks.claim(task_id, owner, lease_s)
    assert isinstance(task, Task)
    return task


def again(tasks: Tasks, task: Task[dict[str, Any]], *, owner: str = "worker-2") -> Task[dict[str, Any]]:
    taken = tasks.claim(task.id, owner, 30)
    assert isinstance(taken, Task)
    return taken


def story(tasks: Tasks, task: Task[dict[str, Any]]) -> list[tuple[int, int, str, str | None, str | None]]:
    return [(a.fence, a.attempt, a.owner, a.outcome, a.error_code) for a in tasks.get(task.id).attempts]


def test_who_died_with_a_short_window_is_replaced_in_it(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """The next message about the task finds it free, long before the lease that was asked for is over."""
    task = claimed(tasks, spec(lives_s=25, resend_s=(8, 16)), lease_s=25)
    tasks.clock.sleep(queue.sent[1].delay_s)

    taken = again(tasks, task)

    assert (taken.attempt, taken.fence.token) == (2, 2)


def test_one_worker_at_a_time(tasks: Tasks, spec: Spec) -> None:
    """While the lease lives, nobody else gets the task."""
    task = claimed(tasks, spec())

    assert (task.attempt, task.fence.token) == (1, 1)
    assert tasks.claim(task.id, "worker-2", 30) == NotClaimed("held by another worker")


def test_a_lease_that_ran_out_is_taken_over(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """The next worker gets a greater token and the second attempt; the silent one's is recorded as lost."""
    first = claimed(tasks, spec(), lease_s=30)
    clock.advance(30)
    second = again(tasks, first)
    tasks.finish(second.fence, Done({"hash": "0xabc"}))

    assert (second.attempt, second.fence.token) == (2, 2)
    assert story(tasks, first) == [(1, 1, "worker-1", "lost", None), (2, 2, "worker-2", "done", None)]
    assert tasks.get(first.id).result == {"hash": "0xabc"}


def test_a_stale_holders_commit_is_refused(tasks: Tasks, database: Postgres, clock: FakeClock, spec: Spec) -> None:
    """It wakes after another took over: neither its effect nor its completion is written."""
    with database.transaction(role="counterpart_oracle") as tx:
        tx.execute("create table oracle.effects (owner text)")
    first = claimed(tasks, spec())
    clock.advance(31)
    second = again(tasks, first)

    for task in (first, second):
        holding = database.transaction(role="counterpart_oracle", holding=task.fence)
        if task is first:
            with pytest.raises(LeaseLost), holding as tx:
                tx.execute("insert into oracle.effects values ('stale')")
        else:
            with holding as tx:
                tx.execute("insert into oracle.effects values ('current')")
                tasks.complete(tx, task.fence)

    with database.transaction(role="counterpart_oracle") as tx:
        assert tx.all("select owner from oracle.effects") == [{"owner": "current"}]


def test_completing_without_holding_is_checked_too(
    tasks: Tasks, database: Postgres, clock: FakeClock, spec: Spec
) -> None:
    """Even a transaction that forgot `holding` cannot complete under an old token."""
    first = claimed(tasks, spec())
    clock.advance(31)
    again(tasks, first)

    with pytest.raises(LeaseLost), database.transaction() as tx:
        tasks.complete(tx, first.fence)


def test_a_late_holder_that_nobody_replaced_may_commit(
    tasks: Tasks, database: Postgres, clock: FakeClock, spec: Spec
) -> None:
    """Safety is the token's business: a lease that merely ran out hurts nobody."""
    task = claimed(tasks, spec())
    clock.advance(3600)
    with database.transaction(holding=task.fence) as tx:
        tasks.complete(tx, task.fence)

    assert tasks.get(task.id).state == "done"


def test_a_holder_keeps_its_task_locked_until_its_commit(
    tasks: Tasks, route_url: str, queue: InMemoryQueue, spec: Spec
) -> None:
    """Between the check of the fence and the commit nobody can take over: a claim waits."""
    clock = FakeClock()
    task = claimed(tasks, spec())
    clock.advance(31)
    impatient = Tasks(Postgres(route_url, statement_timeout_s=1.0), queue, clock)

    with tasks.postgres.transaction(holding=task.fence) as tx:
        with pytest.raises(Exception, match="stood in another's way"):
            impatient.claim(task.id, "worker-2", 30)
        tasks.complete(tx, task.fence)

    assert impatient.claim(task.id, "worker-2", 30) == NotClaimed("already done")


def test_effect_and_completion_are_one(tasks: Tasks, database: Postgres, spec: Spec) -> None:
    """A failure after complete() undoes both; the task is still held and can be finished."""
    task = claimed(tasks, spec())
    with pytest.raises(ZeroDivisionError), database.transaction(holding=task.fence) as tx:
        tasks.complete(tx, task.fence)
        _ = 1 // 0

    assert tasks.get(task.id).state == "leased"


def test_finishing_after_completing_changes_nothing(tasks: Tasks, database: Postgres, spec: Spec) -> None:
    """The decorator finishes what the handler completed itself; also an error after the commit does not undo it."""
    task = claimed(tasks, spec())
    with database.transaction(holding=task.fence) as tx:
        tasks.complete(tx, task.fence, {"n": 1})
    tasks.finish(task.fence, Done())
    tasks.finish(task.fence, RuntimeError("the log was full"))

    assert tasks.get(task.id).result == {"n": 1}
    assert story(tasks, task) == [(1, 1, "worker-1", "done", None)]


def test_a_stale_finish_is_refused(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """An outcome under an old token does not reach the task that another works on."""
    first = claimed(tasks, spec())
    clock.advance(31)
    again(tasks, first)

    for outcome in (Done(), Retry(1, "later"), Skipped("no"), Rejected(), RuntimeError()):
        with pytest.raises(LeaseLost):
            tasks.finish(first.fence, outcome)
    assert tasks.get(first.id).state == "leased"


def test_a_renewed_lease_lasts(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """Renewing counts from now; a stale holder cannot renew."""
    first = claimed(tasks, spec(), lease_s=30)
    clock.advance(29)
    tasks.renew(first.fence, 30)
    clock.advance(29)
    assert tasks.claim(first.id, "worker-2", 30) == NotClaimed("held by another worker")
    clock.advance(1)
    again(tasks, first)

    with pytest.raises(LeaseLost):
        tasks.renew(first.fence, 30)


def test_an_early_message_is_sent_again(tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec) -> None:
    """More than a second early: back into the queue for the rest; less: the worker gets it and sleeps."""
    [task_id] = tasks.enqueue([spec(due_s=10)])
    clock.advance(5)
    early = tasks.claim(task_id, "w", 30)
    clock.advance(4)

    assert early == NotClaimed("early", is_early=True)
    assert [message.delay_s for message in queue.sent] == [10, 5]
    assert isinstance(tasks.claim(task_id, "w", 30), Task)


def test_a_message_after_the_window_is_skipped_with_a_record(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """The round is over: nothing runs, and the trace says so."""
    [task_id] = tasks.enqueue([spec(lives_s=8)])
    clock.advance(8)
    answer = tasks.claim(task_id, "worker-1", 30)

    record = tasks.get(task_id)
    assert answer == NotClaimed("Its window closed before it was done.")
    assert (record.state, record.error_code) == ("skipped", "expired")
    assert [(a.owner, a.outcome) for a in record.attempts] == [("worker-1", "skipped")]


def test_a_retry_costs_no_attempt(tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec) -> None:
    """Looking again a hundred times is not failing a hundred times; the wait is exactly what was asked for."""
    task = claimed(tasks, spec(attempts_max=2))
    for _ in range(100):
        tasks.finish(task.fence, Retry(2.5, "not final yet"))
        assert queue.sent[-1].delay_s == 2
        clock.advance(2.5)
        task = again(tasks, task)

    assert task.attempt == 1
    assert tasks.get(task.id).attempts[0].error == "not final yet"


def test_failures_are_retried_with_growing_pauses(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """1, 2, 4 seconds, three quarters of each with the jitter in the middle."""
    task = claimed(tasks, spec())
    pauses_s = []
    for _ in range(3):
        tasks.finish(task.fence, DatabaseUnavailable())
        pauses_s.append((tasks.get(task.id).run_at - clock.now()).total_seconds())
        clock.advance(pauses_s[-1])
        task = again(tasks, task)

    assert pauses_s == [0.75, 1.5, 3.0]


def test_a_refused_task_is_dropped_and_can_be_replayed(tasks: Tasks, spec: Spec) -> None:
    """The caller's fault: no retry, but a record with the reason."""
    task = claimed(tasks, spec())
    tasks.finish(task.fence, Rejected("the order was cancelled"))

    record = tasks.get(task.id)
    assert (record.state, record.error_code, record.error) == ("dropped", "rejected", "the order was cancelled")
    tasks.replay(task.id, "ada")
    assert tasks.get(task.id).state == "ready"


def test_what_is_not_parked_is_not_replayed(tasks: Tasks, spec: Spec) -> None:
    """A done task stays done, and an unknown one is not found."""
    task = claimed(tasks, spec())
    with pytest.raises(Conflict):
        tasks.replay(task.id, "ada")
    tasks.finish(task.fence, Done())
    with pytest.raises(Conflict):
        tasks.replay(task.id, "ada")
    with pytest.raises(NotFound):
        tasks.replay(new_id(), "ada")
    with pytest.raises(NotFound):
        tasks.get(new_id())
