"""Let anybody follow exchanges: their phase, their watch, the proof that is owed to them, and what took how long."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.barter.adapters import views
from functions.barter.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("barter", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]


@app.get("/barter/contracts")
@app.get("/v1/barter/contracts")
def contracts(
    deps: Wired,
    _: Anyone,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=views.CURSOR)] = None,
) -> views.Exchanges:
    """Watched exchanges, the newest first."""
    return deps.monitor.contracts(limit=limit, cursor=cursor)


@app.get("/barter/contracts/{address}")
@app.get("/v1/barter/contracts/{address}")
def contract(address: Annotated[str, Path(pattern=views.ADDRESS)], deps: Wired, _: Anyone) -> views.ExchangeStory:
    """One exchange with our transactions to it and every step."""
    return deps.monitor.contract(address)


handler = lambda_handler(app)
