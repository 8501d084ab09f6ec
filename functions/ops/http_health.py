"""Say that the bundle is alive: the code runs, its settings are complete and its schema is there."""

from typing import Annotated, Literal

from fastapi import Depends

from functions.ops.wiring import Deps, build_deps
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)


class Health(Document):
    """Liveness."""

    status: Literal["ok"]
    stage: str


@app.get("/health")
@app.get("/v1/ops/health")
def http_health(deps: Annotated[Deps, Depends(wired)]) -> Health:
    """Whether this function runs. Cheap, public, and without a query: it says nothing about the dependencies."""
    return Health(status="ok", stage=deps.kernel.settings.stage)


handler = lambda_handler(app)
