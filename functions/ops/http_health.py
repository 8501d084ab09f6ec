"""Say that the bundle is alive, and to operators how everything that it depends on stands."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Response

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.breaker import State
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]


class Health(Document):
    """Liveness."""

    status: Literal["ok"]
    stage: str


class PartView(Document):
    """How one dependency stands; `latency_ms` where it was asked and answered, `problem` an error code.

    What a service needs a person for is one, too, as `alarm:<name>`.
    """

    name: str
    state: State
    latency_ms: float | None
    changed_at: datetime | None
    problem: str | None


class DeepHealth(Document):
    """All of them; "degraded" when any is not well, "down" when the database is away, without which nothing works."""

    status: Literal["ok", "degraded", "down"]
    parts: list[PartView]


@app.get("/health")
@app.get("/v1/ops/health")
def http_health(deps: Annotated[Deps, Depends(wired)]) -> Health:
    """Whether this function runs. Cheap, public, and without a query: it says nothing about the dependencies."""
    return Health(status="ok", stage=deps.kernel.settings.stage)


@app.get("/health/deep")
@app.get("/v1/ops/health/deep")
def deep_health(deps: Wired, _: Operator, response: Response) -> DeepHealth:
    """Every dependency, asked now, within three seconds; 503 when the database is away."""
    parts = [PartView.model_validate(part) for part in deps.vitals.parts()]
    is_down = any(part.name == "postgres" and part.problem for part in parts)
    is_well = all(part.state in {State.ACTIVE, State.INITIALIZING} for part in parts)
    response.status_code = 503 if is_down else 200
    return DeepHealth(status="down" if is_down else "ok" if is_well else "degraded", parts=parts)


handler = lambda_handler(app)
