"""Show what may be played with, put tokens on the list for a fee, and take them off it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query

from functions.contests.adapters import market_views as views
from functions.contests.adapters.callers import wallet_of
from functions.contests.adapters.forms import ADDRESS
from functions.contests.adapters.whitelist import Addition
from functions.contests.wiring import Deps, build_whitelist_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("contests", build_whitelist_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Person = Annotated[Principal, Depends(require(Role.VIEWER))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
AskedKey = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,100}$")]


@app.get("/v1/contests/whitelist")
def listed(
    deps: Wired,
    _: Anyone,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    cursor: UUID | None = None,
) -> views.ListedPage:
    """What may be played with, the newest first."""
    return views.listed_page(deps.whitelist.page(cursor, limit=limit), limit)


@app.get("/v1/contests/whitelist/fee")
def fee(deps: Wired, person: Person) -> views.FeeView:
    """What an addition costs whoever asks: 1 SOL, less one percent a level."""
    wallet = wallet_of(person)
    lamports = deps.whitelist.fee_of(wallet)
    return views.FeeView(wallet=wallet, fee_lamports=str(lamports), pay_to=deps.settings.treasury)


@app.post("/v1/contests/whitelist")
def add(body: views.AdditionBody, deps: Wired, person: Person, _: AskedKey) -> views.ListedView:
    """Put a token on the list. The transfer's signature is the request's key: the same again finds itself."""
    asked = Addition(
        mint=body.mint, symbol=body.symbol, name=body.name, wallet=wallet_of(person), signature=body.signature
    )
    return views.listed_view(deps.whitelist.add(asked))


@app.post("/v1/contests/whitelist/gifts")
def give(body: views.GiftBody, deps: Wired, admin: Admin) -> views.ListedView:
    """Put a token on the list without a fee."""
    asked = Addition(mint=body.mint, symbol=body.symbol, name=body.name, wallet=admin.identity, signature=None)
    return views.listed_view(deps.whitelist.add(asked))


@app.delete("/v1/contests/whitelist/{mint}")
def remove(
    mint: Annotated[str, Path(pattern=ADDRESS)], body: views.RemovalBody, deps: Wired, admin: Admin
) -> views.RemovedView:
    """Take a token off the list; contests that have it go on with it."""
    deps.whitelist.remove(mint, actor=admin.identity, reason=body.reason)
    return views.RemovedView(mint=mint)


handler = lambda_handler(app)
