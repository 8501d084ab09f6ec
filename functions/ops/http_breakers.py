"""Let operators see every circuit breaker, and administrators reset one or tune its thresholds."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired
from kernel.tunables.documents import Threshold, Thresholds, Tuned, threshold_view

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Dependency = Annotated[str, Path(pattern="^[a-z][A-Za-z0-9_.:-]{0,199}$")]
Name = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,80}[.][a-z][a-z0-9_]{0,80}$")]


class Breaker(Document):
    """How a dependency stands, at most five seconds ago; `wait_s` is until a probe, its end, or health."""

    dependency: str
    state: str
    failures: int
    trips: int
    changed_at: datetime | None
    wait_s: float | None


class BreakersView(Document):
    """Every dependency that was ever asked."""

    breakers: list[Breaker]


class ChangeView(Document):
    """One change of one breaker."""

    id: int
    dependency: str
    from_state: str
    to_state: str
    event: str
    reason: str
    actor: str
    changed_at: datetime


class ChangesView(Document):
    """Changes, oldest first; give the last id as `since` to read on."""

    changes: list[ChangeView]


class Reason(Document):
    """Why an administrator does it; kept for good."""

    reason: str = Field(min_length=1, max_length=500, pattern="[^ ]")


@app.get("/v1/ops/breakers")
def breakers(deps: Wired, _: Operator) -> BreakersView:
    """How every dependency stands."""
    return BreakersView(breakers=[Breaker.model_validate(one) for one in deps.kernel.breakers.conditions()])


@app.get("/v1/ops/breakers/changes")
def changes(
    deps: Wired,
    _: Operator,
    since: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> ChangesView:
    """What changed, and why."""
    found = deps.kernel.breakers.changes(since, limit=limit)
    return ChangesView(changes=[ChangeView.model_validate(change) for change in found])


@app.post("/v1/ops/breakers/{dependency}/reset")
def reset(dependency: Dependency, why: Reason, deps: Wired, admin: Admin) -> Breaker:
    """Close a circuit and forget its failures: the dependency is well again, as somebody knows better."""
    return Breaker.model_validate(deps.kernel.breakers.reset(dependency, admin.identity, why.reason))


@app.get("/v1/ops/thresholds")
def thresholds(deps: Wired, _: Operator) -> Thresholds:
    """Every threshold with its bounds."""
    return Thresholds(thresholds=[threshold_view(deps.tunables, one) for one in deps.tunables.declarations()])


@app.put("/v1/ops/thresholds/{name}")
def tune(name: Name, tuned: Tuned, deps: Wired, admin: Admin) -> Threshold:
    """Change a threshold; every container follows within fifteen seconds."""
    deps.tunables.set(name, Decimal(tuned.value), actor=admin.identity, reason=tuned.reason)
    return threshold_view(deps.tunables, deps.tunables.declared(name))


handler = lambda_handler(app)
