"""Messages that were given up: recorded, and their tasks parked when their workers died."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from functions.ops.queue_dead_letters import handler
from functions.ops.wiring import ROLE, Deps
from kernel.tasks import Task, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/queue_dead_letters.json").read_text(encoding="utf-8"))


@pytest.fixture
def kernel(database_url: str) -> FakedKernel:
    return FakedKernel(database_url, role=ROLE)


def event(*bodies: str) -> dict[str, Any]:
    """The committed event with these bodies, a message each."""
    records = []
    for i, body in enumerate(bodies):
        records.append(deepcopy(EVENT["Records"][0]) | {"body": body, "messageId": f"message-{i}"})
    return {"Records": records}


def test_a_task_whose_workers_died_is_parked(kernel: FakedKernel) -> None:
    """An operator sees it, replays it, and it is ready; the same batch again changes nothing."""
    clock = kernel.clock
    assert isinstance(clock, FakeClock)
    [task_id] = kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=clock.now())]
    )
    assert isinstance(kernel.tasks.claim(task_id, "w", 30), Task)
    clock.advance(60)
    batch = event(json.dumps({"task_id": str(task_id)}))

    answers = [handler.bind(Deps(kernel))(batch, None) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    assert [(parked.id, parked.error_code) for parked in kernel.tasks.parked()] == [(task_id, "workers_died")]
    kernel.tasks.replay(task_id, "ada")
    assert kernel.tasks.get(task_id).state == "ready"


def test_whatever_lies_in_the_queue_is_recorded(kernel: FakedKernel) -> None:
    """Bodies that name no task, or one that nobody knows, end as records with their queue and attributes."""
    deps = Deps(kernel)
    answer = handler.bind(deps)(event("garbage", "{}", EVENT["Records"][0]["body"]), None)

    letters = deps.dead_letters.list()
    assert answer == {"batchItemFailures": []}
    assert [(letter.message_id, letter.verdict) for letter in reversed(letters)] == [
        ("message-0", "no_task"),
        ("message-1", "no_task"),
        ("message-2", "no_task"),
    ]
    assert letters[0].queue == "counterpart-dev-dead-letters"
    assert set(letters[0].attributes) == {"correlation_id"}


def test_with_the_database_down_the_message_stays() -> None:
    """It is handed back to its queue, to be delivered again."""
    deps = Deps(FakedKernel("postgresql://counterpart@127.0.0.1:1/nowhere", role=ROLE))

    answer = handler.bind(deps)(event("garbage"), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
