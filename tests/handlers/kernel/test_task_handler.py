"""The decorator of task handlers: what each ending means for the task and for its message."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kernel.errors import Broken, DatabaseUnavailable, LeaseLost, Rejected, Transient
from kernel.handler import task_handler
from kernel.handler.entry import Entry
from kernel.tasks import Done, Outcome, Retry, Skipped, Task, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.wiring import KernelDeps

pytestmark = pytest.mark.handlers

Work = Callable[["Task[Order]", KernelDeps], Outcome | None]


@dataclass(frozen=True)
class Order:
    amount_wei: int
    note: str = ""


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url)
    yield kernel
    kernel.close()


def handler_of(kernel: FakedKernel, work: Work) -> Entry[KernelDeps]:
    @task_handler(lambda: KernelDeps(kernel))
    def handler(task: Task[Order], deps: KernelDeps) -> Outcome | None:
        return work(task, deps)

    return handler


def enqueued(kernel: FakedKernel, name: str = "order-1", payload: dict[str, Any] | None = None, **spec: Any) -> UUID:
    payload = {"amount_wei": 5} if payload is None else payload
    spec = {"run_at": kernel.clock.now()} | spec
    [id_] = kernel.tasks.enqueue([TaskSpec(kind="ops.order", business_key=name, payload=payload, **spec)])
    return id_


def batch(*bodies: object) -> dict[str, Any]:
    """An SQS event with these bodies."""
    return {
        "Records": [
            {
                "messageId": f"message-{i}",
                "body": json.dumps({"task_id": str(body)}) if isinstance(body, UUID) else body,
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:counterpart-dev-ops-order",
                "messageAttributes": {"correlation_id": {"stringValue": "correlation-1", "dataType": "String"}},
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795176000000"},
            }
            for i, body in enumerate(bodies)
        ]
    }


ACKNOWLEDGED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def raising(error: Exception) -> Work:
    def work(_task: Task[Order], _deps: KernelDeps) -> Outcome | None:
        raise error

    return work


def test_the_payload_arrives_typed(kernel: FakedKernel) -> None:
    """What was stored as JSON is the annotation's type, with defaults filled in."""
    seen: list[Task[Order]] = []
    id_ = enqueued(kernel)

    answer = handler_of(kernel, lambda task, _: seen.append(task))(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert (seen[0].payload, seen[0].business_key, seen[0].attempt) == (Order(amount_wei=5), "order-1", 1)


@pytest.mark.parametrize(
    ("work", "state"),
    [
        (lambda task, deps: None, "done"),
        (lambda task, deps: Done({"paid": 5}), "done"),
        (lambda task, deps: Retry(10, "not mined yet"), "ready"),
        (lambda task, deps: Skipped("too late"), "skipped"),
        (raising(Rejected("No such order.")), "dropped"),
        (raising(Transient("The node is away.")), "ready"),
        (raising(Broken("The books do not balance.")), "parked"),
        (raising(ValueError("canary")), "ready"),
    ],
    ids=["none", "done", "retry", "skipped", "rejected", "transient", "broken", "unforeseen"],
)
def test_every_ending_is_recorded_and_the_message_acknowledged(kernel: FakedKernel, work: Work, state: str) -> None:
    """The task's row says what became of it; the message has done its duty."""
    id_ = enqueued(kernel)

    answer = handler_of(kernel, work)(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert kernel.tasks.get(id_).state == state


def test_an_unforeseen_failure_is_recorded_without_its_text(kernel: FakedKernel) -> None:
    """The type is enough to find it; the text may quote anything."""
    id_ = enqueued(kernel)
    handler_of(kernel, raising(ValueError("canary")))(batch(id_), None)
    [attempt] = kernel.tasks.get(id_).attempts

    assert attempt.error_code == "unexpected_failure"
    assert "canary" not in str(attempt.error)


def test_a_task_that_keeps_failing_parks_after_its_attempts(kernel: FakedKernel) -> None:
    """A poison message ends where an operator sees it, and is not run again."""
    clock, runs = kernel.clock, []
    assert isinstance(clock, FakeClock)
    id_ = enqueued(kernel, attempts_max=3)

    def work(task: Task[Order], _: KernelDeps) -> None:
        runs.append(task.attempt)
        raise ValueError("canary")

    for _ in range(5):
        handler_of(kernel, work)(batch(id_), None)
        clock.advance(3_600)

    assert runs == [1, 2, 3]
    assert [task.id for task in kernel.tasks.parked()] == [id_]


def test_a_payload_of_another_form_parks_at_once(kernel: FakedKernel) -> None:
    """Trying again would not help; the handler never runs."""
    id_ = enqueued(kernel, payload={"amount": "five"})

    answer = handler_of(kernel, raising(AssertionError("ran")))(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert (kernel.tasks.get(id_).state, kernel.tasks.get(id_).error_code) == ("parked", "payload_unfit")


def test_a_message_about_a_finished_or_unknown_task_is_acknowledged(kernel: FakedKernel) -> None:
    """A duplicate and a stray are hints about nothing."""
    runs: list[UUID] = []
    id_ = enqueued(kernel)
    handler = handler_of(kernel, lambda task, _: runs.append(task.id))

    answer = handler(batch(id_, id_, uuid4()), None)

    assert (answer, runs) == (ACKNOWLEDGED, [id_])


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"task_id": 7}', '{"task_id": "x"}', "null"])
def test_an_unreadable_message_stays_for_the_dead_letters(kernel: FakedKernel, body: str) -> None:
    """It is handed back, until the queue gives it up; its neighbours are served."""
    id_ = enqueued(kernel)

    answer = handler_of(kernel, lambda *_: None)(batch(body, id_), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert kernel.tasks.get(id_).state == "done"


def test_with_postgres_down_no_message_is_lost(kernel: FakedKernel) -> None:
    """Every message is handed back, since nothing could be claimed."""
    away = FakedKernel("postgresql://127.0.0.1:1/none")
    ids = [enqueued(kernel, f"order-{i}") for i in range(2)]

    answer = handler_of(away, lambda *_: None)(batch(*ids), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}, {"itemIdentifier": "message-1"}]}


def test_postgres_lost_during_the_work_leaves_the_task_to_a_later_attempt(kernel: FakedKernel) -> None:
    """The failure is recorded if Postgres is back by then, and the task runs again."""
    id_ = enqueued(kernel)

    answer = handler_of(kernel, raising(DatabaseUnavailable()))(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert kernel.tasks.get(id_).state == "ready"


def test_a_lost_lease_is_acknowledged_and_changes_nothing(kernel: FakedKernel) -> None:
    """The newer worker finishes the task."""
    id_ = enqueued(kernel)

    answer = handler_of(kernel, raising(LeaseLost()))(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert kernel.tasks.get(id_).state == "leased"


def test_a_worker_overtaken_while_it_worked_is_acknowledged(kernel: FakedKernel) -> None:
    """Its outcome is refused by the fencing token, and nobody is alarmed."""
    clock, id_ = kernel.clock, enqueued(kernel)
    assert isinstance(clock, FakeClock)

    def overtaken(_task: Task[Order], deps: KernelDeps) -> None:
        clock.advance(3_600)
        assert isinstance(deps.tasks.claim(id_, "the newer worker", 60), Task)

    answer = handler_of(kernel, overtaken)(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert kernel.tasks.get(id_).state == "leased"
    assert kernel.tasks.get(id_).lease_owner == "the newer worker"


@pytest.mark.parametrize(("module", "state"), [("queue_order", "done"), ("queue_refund", "ready")])
def test_a_message_in_another_kinds_queue_does_not_run_its_task(kernel: FakedKernel, module: str, state: str) -> None:
    """Dead letters that were moved back to one queue: the task waits for a message in its own."""
    id_ = enqueued(kernel)

    def work(task: Task[Order], deps: KernelDeps) -> None:
        """Succeed, whatever the order was for."""

    work.__module__ = f"functions.ops.{module}"
    answer = task_handler(lambda: KernelDeps(kernel))(work)(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert kernel.tasks.get(id_).state == state


def test_an_effect_committed_with_its_completion_is_not_finished_twice(kernel: FakedKernel) -> None:
    """complete() in the handler's own transaction wins; the decorator adds nothing."""
    id_ = enqueued(kernel)

    def work(task: Task[Order], deps: KernelDeps) -> None:
        with deps.kernel.postgres.transaction(holding=task.fence) as tx:
            deps.tasks.complete(tx, task.fence, {"paid": 5})

    handler_of(kernel, work)(batch(id_), None)

    assert (kernel.tasks.get(id_).state, kernel.tasks.get(id_).result) == ("done", {"paid": 5})


def test_a_message_up_to_a_second_early_waits_for_its_moment(kernel: FakedKernel) -> None:
    """A message's delay counts whole seconds; the worker sleeps the rest."""
    clock = kernel.clock
    assert isinstance(clock, FakeClock)
    due = clock.now() + timedelta(seconds=0.7)
    id_ = enqueued(kernel, run_at=due)
    moments: list[object] = []

    handler_of(kernel, lambda task, deps: moments.append(deps.clock.now()))(batch(id_), None)

    assert moments == [due]


def test_a_message_much_too_early_is_acknowledged_and_sent_again(kernel: FakedKernel) -> None:
    """Nobody is billed for a long sleep."""
    id_ = enqueued(kernel, run_at=kernel.clock.now() + timedelta(seconds=30))
    kernel.queue.sent.clear()

    answer = handler_of(kernel, raising(AssertionError("ran")))(batch(id_), None)

    assert answer == ACKNOWLEDGED
    assert [message.delay_s for message in kernel.queue.sent] == [30]


class Context:
    aws_request_id = "request-1"

    def __init__(self, left_ms: int) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def test_work_out_of_time_is_stopped_and_tried_again(kernel: FakedKernel) -> None:
    """Before Lambda would cut it off, so that the failure is recorded and the lease given back."""
    id_ = enqueued(kernel)

    answer = handler_of(kernel, lambda *_: time.sleep(5))(batch(id_), Context(800))

    assert answer == ACKNOWLEDGED
    assert (kernel.tasks.get(id_).state, kernel.tasks.get(id_).attempts[0].error_code) == ("ready", "deadline_exceeded")


def test_a_slow_statement_is_stopped_too(kernel: FakedKernel) -> None:
    """The alarm rings inside the driver; its connection is thrown away, and the failure recorded on a fresh one."""
    id_, started_s = enqueued(kernel), time.monotonic()

    def slow(_task: Task[Order], deps: KernelDeps) -> None:
        with deps.kernel.postgres.transaction() as tx:
            tx.execute("select pg_sleep(15)")

    answer = handler_of(kernel, slow)(batch(id_), Context(800))

    assert answer == ACKNOWLEDGED
    assert time.monotonic() - started_s < 12
    assert kernel.tasks.get(id_).attempts[0].error_code == "deadline_exceeded"


def test_the_rest_of_a_batch_is_handed_back_when_time_runs_out(kernel: FakedKernel) -> None:
    """Untouched: no attempt is used up."""
    context, ids = Context(10_000), [enqueued(kernel, f"order-{i}") for i in range(2)]

    def slow(_task: Task[Order], _deps: KernelDeps) -> None:
        context.left_ms = 1_000

    answer = handler_of(kernel, slow)(batch(*ids), context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert [kernel.tasks.get(id_).attempt for id_ in ids] == [1, 0]


def test_a_lease_outlives_the_function(kernel: FakedKernel) -> None:
    """So that nobody claims a task under a running handler."""
    leases: list[object] = []
    id_ = enqueued(kernel)

    handler = handler_of(kernel, lambda task, deps: leases.append(deps.tasks.get(task.id).lease_until))
    handler(batch(id_), Context(20_000))

    assert leases == [kernel.clock.now() + timedelta(seconds=25)]


def test_logs_carry_the_correlation_id_of_the_task_first(
    kernel: FakedKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row knows who asked, whoever sent the message."""
    id_ = enqueued(kernel, correlation_id="asked-for-by-1")
    handler_of(kernel, raising(Broken("It broke.")))(batch(id_), None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "It broke." in line]

    assert {line["correlation_id"] for line in lines} == {"asked-for-by-1"}


def test_logs_carry_the_correlation_id_of_the_message(kernel: FakedKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """One id through the request that asked, the task and its worker."""
    id_ = enqueued(kernel)
    handler_of(kernel, raising(Broken("It broke.")))(batch(id_), None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "It broke." in line]

    assert {(line["correlation_id"], line["task_id"]) for line in lines} == {("correlation-1", str(id_))}


def test_work_asked_for_by_a_task_carries_its_correlation_id(kernel: FakedKernel) -> None:
    """In the new task's row and in the attributes of its message; outside of a handler there is none."""
    id_ = enqueued(kernel, correlation_id="asked-for-by-1")
    asked: list[UUID] = []
    kernel.queue.sent.clear()

    handler_of(kernel, lambda *_: asked.append(enqueued(kernel, "order-2")))(batch(id_), None)

    assert kernel.tasks.get(asked[0]).correlation_id == "asked-for-by-1"
    assert [dict(message.attributes) for message in kernel.queue.sent] == [{"correlation_id": "asked-for-by-1"}]
    assert kernel.tasks.get(enqueued(kernel, "order-3")).correlation_id is None


def test_a_handler_without_a_payload_type_is_refused_when_it_is_declared() -> None:
    """A mistake that a deploy should not find."""
    with pytest.raises(TypeError, match=r"Task\[...\]"):

        @task_handler(lambda: None)  # type: ignore[type-var]  # what this test is about
        def handler(task: Task, deps: Any) -> None:  # type: ignore[type-arg]  # what this test is about
            """Untyped."""
