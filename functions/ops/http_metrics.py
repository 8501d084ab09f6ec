"""Tell Prometheus how full the house is: computed from Postgres at each question, not from a container's memory."""

from typing import Annotated

from fastapi import Depends
from fastapi.responses import PlainTextResponse

from functions.ops.adapters.metrics import families
from functions.ops.core.exposition import CONTENT_TYPE, rendered
from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]


@app.get("/metrics", response_class=PlainTextResponse)
def metrics(deps: Wired, _: Operator) -> PlainTextResponse:
    """Gauges in Prometheus' text format 0.0.4; a scraper sends an operator's key in X-Api-Key."""
    told = families(deps.gauges, deps.kernel.breakers.conditions(), deps.treasury.wallets())
    return PlainTextResponse(rendered(told), media_type=CONTENT_TYPE)


handler = lambda_handler(app)
