"""What Lambda's runtime client calls in the benchmark of invocations: per trigger one of ours, and the bare peer.

Ours do nothing but pass the border (kernel.handler): parsing, correlation, logs, metrics, deadline, failure policy.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kernel.clock import SystemClock
from kernel.handler import Message, SocketCall, SocketReply, Tick, queue_handler, scheduled, task_handler, websocket
from kernel.postgres import Fence
from kernel.tasks import Task


class Rows:
    """Tasks without a database: what is asked for is there, and its end is told to nobody."""

    def claim(self, task_id: UUID, _owner: str, _lease_s: float, *, kind: str | None) -> Task[Any]:
        return Task(
            id=task_id,
            kind=str(kind),
            business_key="round-1",
            payload={"amount_wei": 5},
            attempt=1,
            attempts_max=8,
            fence=Fence(task_id, 1),
            run_at=datetime(2026, 11, 20, tzinfo=UTC),
            expires_at=None,
            correlation_id=None,
        )

    def finish(self, _fence: Fence, _ending: Any) -> None:
        """Nothing."""


class Deps:
    """Nothing but the present, and tasks of no database."""

    clock = SystemClock()
    tasks = Rows()


@dataclass(frozen=True)
class Payload:
    """What a task is about."""

    amount_wei: int


@scheduled(Deps)
def tick(_tick: Tick, _deps: Deps) -> None:
    """A schedule."""


@task_handler(Deps)
def task(_task: Task[Payload], _deps: Deps) -> None:
    """A task."""


@queue_handler(Deps)
def message(_message: Message, _deps: Deps) -> None:
    """A queue."""


@websocket(Deps)
def socket(_call: SocketCall, _deps: Deps) -> SocketReply:
    """A WebSocket route."""
    return SocketReply(body={"type": "pong"})


def bare(_event: Any, _context: Any) -> dict[str, Any]:
    """What nobody would write shorter."""
    return {"statusCode": 200, "batchItemFailures": []}
