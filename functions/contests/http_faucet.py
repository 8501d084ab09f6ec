"""Give addresses of a test network the lamports to play with."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header

from functions.contests.adapters.faucet_views import FaucetGrant, FaucetRequest, grant_view
from functions.contests.wiring import Deps, build_faucet_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("contests", build_faucet_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Person = Annotated[Principal, Depends(require(Role.VIEWER))]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]


@app.post("/v1/contests/faucet", status_code=202)
def grant(body: FaucetRequest, deps: Wired, asker: Person, key: Key) -> FaucetGrant:
    """Ask for 0.025 SOL of a test network: once in 15 minutes to an address, and never on mainnet."""
    faucet = deps.faucet
    return grant_view(faucet.grant(f"{asker.identity}:{key}", body.address, faucet.look()))


@app.get("/v1/contests/faucet/{id}")
def granted(id: UUID, deps: Wired, _: Anyone) -> FaucetGrant:
    """What became of a grant."""
    return grant_view(deps.faucet.transfer(id))


handler = lambda_handler(app)
