"""Asking for work: once per business key, together with the caller's transaction, sent when it is due soon."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, QueueUnavailable, Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration
Spec = Callable[..., TaskSpec]


def sent(queue: InMemoryQueue) -> list[tuple[str, UUID, int]]:
    return [(message.queue, UUID(message.body["task_id"]), message.delay_s) for message in queue.sent]


def test_the_same_key_is_one_task(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """Again in the same call and in a later one: the same id, one message; another kind is another task."""
    first, twin, other = tasks.enqueue([spec("a"), spec("a"), spec("a", kind="oracle.submit_transaction")])
    again = tasks.enqueue([spec("b"), spec("a")])

    assert first == twin == again[1]
    assert len({first, other, again[0]}) == 3
    assert sorted(sent(queue)) == sorted(
        [("oracle-commit", first, 0), ("oracle-submit-transaction", other, 0), ("oracle-commit", again[0], 0)]
    )


def test_nothing_asked_for_is_nothing_done(tasks: Tasks) -> None:
    """An empty plan opens no transaction."""
    assert tasks.enqueue([]) == []


def test_tasks_exist_only_with_the_callers_commit(
    tasks: Tasks, database: Postgres, queue: InMemoryQueue, spec: Spec
) -> None:
    """Nothing is sent before it; after a rollback there is neither a task nor a message."""
    with database.transaction() as tx:
        [kept] = tasks.enqueue([spec("kept")], tx)
        assert queue.sent == []
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        [undone] = tasks.enqueue([spec("undone")], tx)
        _ = 1 // 0

    assert sent(queue) == [("oracle-commit", kept, 0)]
    assert tasks.claim(undone, "w", 30) == NotClaimed("no such task")


def test_a_slice_enqueues_under_its_own_role(tasks: Tasks, database: Postgres, spec: Spec) -> None:
    """The oracle's role may ask for work in the transaction of its own change."""
    with database.transaction(role="counterpart_oracle") as tx:
        [task_id] = tasks.enqueue([spec()], tx)

    assert tasks.get(task_id).state == "ready"


@pytest.mark.parametrize(
    ("due_s", "delays_s"),
    [
        (-10, [0]),  # overdue
        (0.9, [0]),  # early by less than a second: the worker sleeps the rest
        (7.5, [7]),
        (120, [120]),
        (120.1, []),  # the sweeper's business
    ],
)
def test_what_is_due_within_two_minutes_is_sent_at_once(
    tasks: Tasks, queue: InMemoryQueue, spec: Spec, due_s: float, delays_s: list[int]
) -> None:
    """The delay is counted in whole seconds, rounded down."""
    tasks.enqueue([spec(due_s=due_s)])

    assert [message.delay_s for message in queue.sent] == delays_s


def test_insurance_messages_follow(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """A window shorter than a lease gets further messages, each harmless if it is not needed."""
    tasks.enqueue([spec(due_s=5, resend_s=(2, 4))])

    assert [message.delay_s for message in queue.sent] == [5, 7, 9]


def test_insurance_goes_out_before_the_callers_commit(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """Who dies between his commit and the first message leaves somebody who comes back in time."""
    with tasks.postgres.transaction() as tx:
        tasks.enqueue([spec(resend_s=(8, 16))], tx)
        before = [message.delay_s for message in queue.sent]

    assert (before, [message.delay_s for message in queue.sent]) == ([8, 16], [8, 16, 0])


def test_without_a_queue_the_insurance_is_sent_with_the_rest(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """The caller's commit does not hang on it."""
    with tasks.postgres.transaction() as tx:
        queue.failing = QueueUnavailable()
        tasks.enqueue([spec(resend_s=(8, 16))], tx)
        queue.failing = None

    assert [message.delay_s for message in queue.sent] == [0, 8, 16]


def test_messages_carry_the_correlation_id(tasks: Tasks, queue: InMemoryQueue, spec: Spec) -> None:
    """So the log of the worker joins that of whoever asked."""
    tasks.enqueue([spec(correlation_id="order-77-abc")])

    assert dict(queue.sent[0].attributes) == {"correlation_id": "order-77-abc"}


def test_a_queue_that_is_away_loses_nothing(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit stands, the failure is logged, and a sweep after the grace sends."""
    queue.failing = QueueUnavailable()
    [task_id] = tasks.enqueue([spec()])
    queue.failing = None

    assert tasks.sweep() == 0
    clock.advance(5)
    assert tasks.sweep() == 1
    assert sent(queue) == [("oracle-commit", task_id, 0)]
    assert "the commit stands" in caplog.text


def test_a_large_payload_number_survives(tasks: Tasks, spec: Spec) -> None:
    """Amounts of 256 bits pass through JSON exactly."""
    payload: dict[str, Any] = {"amount_wei": 2**256 - 1, "text": "é\u2028'\"%s"}
    [task_id] = tasks.enqueue([spec(payload=payload)])
    task = tasks.claim(task_id, "w", 30)

    assert not isinstance(task, NotClaimed)
    assert task.payload == payload


def test_a_thousand_tasks_go_in_one_statement(tasks: Tasks, queue: InMemoryQueue, spec: Spec, clock: FakeClock) -> None:
    """A plan of any size is one round trip, and ids come back in its order."""
    specs = [spec(f"round-{i}", due_s=i % 7) for i in range(1000)]
    ids = tasks.enqueue(specs)

    assert ids == tasks.enqueue(specs)
    assert len(set(ids)) == len(queue.sent) == 1000
    assert tasks.get(ids[500]).run_at == clock.now() + timedelta(seconds=500 % 7)
