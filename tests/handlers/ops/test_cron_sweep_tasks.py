"""Every minute: what nobody sent is sent."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from functions.ops.cron_sweep_tasks import handler
from functions.ops.wiring import ROLE, Deps
from kernel.tasks import QueueUnavailable, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/cron_sweep_tasks.json").read_text(encoding="utf-8"))


@pytest.fixture
def kernel(database_url: str) -> FakedKernel:
    return FakedKernel(database_url, role=ROLE)


def enqueue_for_later(kernel: FakedKernel) -> None:
    """A task that is due in three minutes, two of which pass."""
    clock = kernel.clock
    assert isinstance(clock, FakeClock)
    run_at = clock.now() + timedelta(minutes=3)
    kernel.tasks.enqueue([TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=run_at)])
    clock.advance(120)


def test_a_task_that_comes_due_is_sent(kernel: FakedKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, whatever the number of ticks; the metric counts it."""
    enqueue_for_later(kernel)
    answers = [handler.bind(Deps(kernel))(EVENT, None) for _ in range(2)]

    assert answers == [{"status": "done"}] * 2
    assert [(message.queue, message.delay_s) for message in kernel.queue.sent] == [("oracle-commit", 60)]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "tasks_swept" in line]
    assert [metric["tasks_swept"] for metric in metrics] == [[1.0], [0.0]]


def test_a_queue_that_is_away_costs_one_tick(kernel: FakedKernel) -> None:
    """The tick is given up, a later one sends."""
    enqueue_for_later(kernel)
    kernel.queue.failing = QueueUnavailable()
    given_up = handler.bind(Deps(kernel))(EVENT, None)
    kernel.queue.failing = None
    assert isinstance(kernel.clock, FakeClock)
    kernel.clock.advance(60)
    handler.bind(Deps(kernel))(EVENT, None)

    assert given_up == {"status": "given_up", "code": "queue_unavailable"}
    assert len(kernel.queue.sent) == 1
