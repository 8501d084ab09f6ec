"""A task that waits for its time may be done sooner; nothing else about it moves."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Retry, Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration
Spec = Callable[..., TaskSpec]


def hasten(tasks: Tasks, spec: TaskSpec) -> bool:
    with tasks.postgres.transaction() as tx:
        return tasks.hasten(tx, spec.kind, spec.business_key)


def test_a_waiting_task_is_due_at_once_and_its_message_goes_out(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """Its attempts and its token stay; asking again finds it due."""
    later = spec(due_s=600)
    (task_id,) = tasks.enqueue([later])
    first, again = hasten(tasks, later), hasten(tasks, later)
    task = tasks.get(task_id)

    assert (first, again) == (True, False)
    assert (task.state, task.run_at, task.attempt, task.attempts) == ("ready", clock.now(), 0, ())
    assert [(sent.queue, sent.delay_s) for sent in queue.sent] == [("oracle-commit", 0)]
    assert not isinstance(tasks.claim(task_id, "worker", 30), NotClaimed)


def test_a_task_that_asked_to_look_again_later_looks_now(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """Which costs it no attempt, either."""
    one = spec()
    (task_id,) = tasks.enqueue([one])
    claimed = tasks.claim(task_id, "worker", 30)
    assert not isinstance(claimed, NotClaimed)
    held = hasten(tasks, one)
    tasks.finish(claimed.fence, Retry(60.0, "not yet"))
    waiting = hasten(tasks, one)
    again = tasks.claim(task_id, "worker", 30)

    assert (held, waiting) == (False, True)
    assert not isinstance(again, NotClaimed)
    assert (again.attempt, again.run_at) == (1, clock.now())


def test_what_is_over_or_unknown_is_not_hastened(tasks: Tasks, database: Postgres, spec: Spec) -> None:
    """Nor what is due in a moment."""
    done = spec()
    (task_id,) = tasks.enqueue([done])
    claimed = tasks.claim(task_id, "worker", 30)
    assert not isinstance(claimed, NotClaimed)
    with database.transaction(holding=claimed.fence) as tx:
        tasks.complete(tx, claimed.fence)
    tasks.enqueue([spec("soon", due_s=1)])

    assert [hasten(tasks, spec(key)) for key in ("round-1", "soon", "nobody")] == [False] * 3


def test_what_rolls_back_hastens_nothing(tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec) -> None:
    """Neither the time nor a message."""
    later = spec(due_s=600)
    (task_id,) = tasks.enqueue([later])
    with pytest.raises(ZeroDivisionError), tasks.postgres.transaction() as tx:
        tasks.hasten(tx, later.kind, later.business_key)
        1 / 0  # noqa: B018

    assert tasks.get(task_id).run_at == clock.now() + timedelta(seconds=600)
    assert queue.sent == []


def test_a_task_that_somebody_has_locked_is_left(tasks: Tasks, route_url: str, clock: FakeClock, spec: Spec) -> None:
    """Whoever claims or finishes it is at it already: nobody waits for the lock."""
    later = spec(due_s=600)
    (task_id,) = tasks.enqueue([later])
    other = Tasks(Postgres(route_url, statement_timeout_s=1.0), InMemoryQueue(clock), clock)

    with tasks.postgres.transaction() as tx:
        tx.execute("select 1 from kernel.tasks where id = %(id)s for update", id=task_id)
        assert not hasten(other, later)
