"""Owns the statements about tasks, and how rows become values."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kernel import correlation
from kernel.ids import new_id
from kernel.postgres import Fence, Queries
from kernel.tasks.lifecycle import Standing, State
from kernel.tasks.messages import Pending, sweep_before_sending
from kernel.tasks.model import Attempt, Task, TaskRecord, TaskSpec

Q = Queries.load(Path(__file__).with_name("queries.sql"))

Row = Mapping[str, Any]


def row_of(spec: TaskSpec, now: datetime) -> dict[str, Any]:
    """A new task as JSON for `insert_tasks`."""
    return {
        "id": str(new_id()),
        "kind": spec.kind,
        "business_key": spec.business_key,
        "payload": dict(spec.payload),
        "run_at": spec.run_at.isoformat(),
        "expires_at": spec.expires_at.isoformat() if spec.expires_at else None,
        "resend_s": list(spec.resend_s),
        "attempts_max": spec.attempts_max,
        "sweep_at": sweep_before_sending(spec.run_at, now).isoformat(),
        "correlation_id": spec.correlation_id or correlation.current(),
    }


def standing_of(row: Row) -> Standing:
    """What a ruling needs of a locked row."""
    return Standing(
        state=State(row["state"]),
        run_at=row["run_at"],
        expires_at=row["expires_at"],
        attempt=row["attempt"],
        attempts_max=row["attempts_max"],
        fence=row["fence"],
        lease_until=row["lease_until"],
    )


def pending_of(row: Row) -> Pending:
    """What a message needs of a row."""
    return Pending(
        id=row["id"],
        kind=row["kind"],
        run_at=row["run_at"],
        resend_s=tuple(row["resend_s"]),
        fence=row["fence"],
        correlation_id=row["correlation_id"],
    )


def task_of(row: Row, *, attempt: int, token: int) -> Task[dict[str, Any]]:
    """The claimed task of a locked row."""
    return Task(
        id=row["id"],
        kind=row["kind"],
        business_key=row["business_key"],
        payload=row["payload"],
        attempt=attempt,
        attempts_max=row["attempts_max"],
        fence=Fence(row["id"], token),
        run_at=row["run_at"],
        expires_at=row["expires_at"],
        correlation_id=row["correlation_id"],
    )


def records_of(rows: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> list[TaskRecord]:
    """Tasks as operators see them, each with its attempts."""
    by_task: dict[Any, list[Attempt]] = {row["id"]: [] for row in rows}
    for attempt in attempts:
        by_task[attempt.pop("task_id")].append(Attempt(**attempt))
    return [TaskRecord(**row, attempts=tuple(by_task[row["id"]])) for row in rows]
