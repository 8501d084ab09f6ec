"""Serve what was observed of the network: how a provider does by reward epoch, and who failed in a round."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.oracle.adapters import performance_views as views
from functions.oracle.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("oracle", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]


@app.get("/oracle/performance")
@app.get("/v1/oracle/performance")
def performance(
    deps: Wired,
    _: Anyone,
    voter: Annotated[str | None, Query(pattern=views.ADDRESS, description="A submit address; ours by default.")] = None,
    limit: Annotated[int, Query(ge=1, le=views.PAGE_MAX)] = 10,
    cursor: Annotated[int | None, Query(ge=0, le=views.NUMBER_MAX)] = None,
) -> views.PerformancePage:
    """Faults, accuracy, minimal conditions, delegation and rewards of a voter, reward epoch by reward epoch."""
    return views.page(deps.observatory.performance.page(voter, below=cursor, limit=limit))


@app.get("/oracle/rounds/{id}/faults")
@app.get("/v1/oracle/rounds/{id}/faults")
def faults(
    id: Annotated[int, Path(ge=0, le=views.NUMBER_MAX)],
    deps: Wired,
    _: Anyone,
) -> views.RoundFaults:
    """Who did what wrong in a voting round, once it is finished and was observed, and how near we came."""
    return views.round_faults(id, deps.observatory.performance.observed(id))


handler = lambda_handler(app)
