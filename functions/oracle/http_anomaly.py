"""Let operators see the models of anomalies and what they judged, and administrators put one in force, or none."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.oracle.adapters import anomaly_views as views
from functions.oracle.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("oracle", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Version = Annotated[int, Path(ge=1, le=views.VERSION_MAX)]


@app.get("/v1/oracle/anomaly/models")
def models(
    deps: Wired,
    _: Operator,
    below: Annotated[int | None, Query(ge=1, le=views.VERSION_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> views.Models:
    """The models with their trials, newest first, and which is in force."""
    stored = deps.anomalies.models
    return views.models(stored.choice(), stored.models(below=below, limit=limit), limit)


@app.post("/v1/oracle/anomaly/models/{version}/pin")
def pin(version: Version, why: views.Why, deps: Wired, admin: Admin) -> views.InForce:
    """Put a sound model in force, an earlier one for instance, and keep it there until it is released."""
    return views.in_force(deps.anomalies.models.pin(version, actor=admin.identity, reason=why.reason))


@app.post("/v1/oracle/anomaly/suspend")
def suspend(why: views.Why, deps: Wired, admin: Admin) -> views.InForce:
    """Veto nobody until it is released or a model is pinned; sources are portrayed all the same."""
    return views.in_force(deps.anomalies.models.pin(None, actor=admin.identity, reason=why.reason))


@app.post("/v1/oracle/anomaly/release")
def release(why: views.Why, deps: Wired, admin: Admin) -> views.InForce:
    """Let the next model that passes its trial replace what is in force."""
    return views.in_force(deps.anomalies.models.release(actor=admin.identity, reason=why.reason))


@app.get("/v1/oracle/anomaly/judgements")
def judgements(deps: Wired, _: Operator, voting_round: Annotated[int, Query(ge=0, le=2**32 - 1)]) -> views.Judgements:
    """How the sources of a round looked and were judged, for thirty days."""
    return views.judgements(voting_round, deps.anomalies.models.judgements(voting_round))


handler = lambda_handler(app)
