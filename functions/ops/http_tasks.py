"""Let operators see the tasks that were parked, and let administrators replay them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
KIND = r"^[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,40}$"


class ParkedTask(Document):
    """A task that waits for a decision."""

    id: UUID
    kind: str
    business_key: str
    attempt: int
    attempts_max: int
    run_at: datetime
    finished_at: datetime | None
    error_code: str | None
    error: str | None
    correlation_id: str | None


class ParkedTasks(Document):
    """A page, newest first; `next_cursor` continues it."""

    tasks: list[ParkedTask]
    next_cursor: UUID | None


class Replayed(Document):
    """The task is ready again."""

    id: UUID


@app.get("/v1/ops/tasks")
def parked_tasks(
    deps: Wired,
    _: Operator,
    state: Literal["parked"] = "parked",  # noqa: ARG001 (any other state is refused, not ignored)
    kind: Annotated[str | None, Query(pattern=KIND)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> ParkedTasks:
    """Tasks that wait for an operator, with what went wrong."""
    page = deps.tasks.parked(kind, limit=limit, below=cursor)
    return ParkedTasks(
        tasks=[ParkedTask.model_validate(task) for task in page],
        next_cursor=page[-1].id if len(page) == limit else None,
    )


@app.post("/v1/ops/tasks/{id}/replay")
def replay(id: UUID, deps: Wired, admin: Admin) -> Replayed:
    """Make a parked or dropped task ready again, with all its attempts; who did it is recorded."""
    deps.tasks.replay(id, admin.identity)
    return Replayed(id=id)


handler = lambda_handler(app)
