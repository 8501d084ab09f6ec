"""Show items with their owners and histories; administrators register them, operators see what the books miss."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.netting.adapters import item_views as views
from functions.netting.adapters.intent_views import Key
from functions.netting.adapters.items import NEWEST
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
ItemId = Annotated[str, Path(pattern=views.ITEM_ID)]
Limit = Annotated[int, Query(ge=1, le=200)]
Below = Annotated[int | None, Query(ge=1, le=NEWEST)]


@app.post("/v1/netting/items")
def register(body: views.ItemBody, deps: Wired, admin: Admin) -> views.ItemView:
    """Register an item, which then has a number in the program. The same again finds itself."""
    return views.item_view(deps.items.register(body, actor=admin.identity))


@app.get("/api/items/by-owner/{pubkey}")
@app.get("/v1/netting/items/by-owner/{pubkey}")
def items_of(
    pubkey: Key,
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=views.ITEM_ID)] = None,
) -> views.ItemPage:
    """What a wallet owns, by the program's finalized accounts."""
    return views.item_page(deps.items.of_owner(pubkey, after=cursor, limit=limit), limit)


@app.get("/v1/netting/items/{id}")
def item(id: ItemId, deps: Wired, _: Anyone) -> views.ItemView:
    """One item."""
    return views.item_view(deps.items.item(id))


@app.get("/api/items/{id}/history")
@app.get("/v1/netting/items/{id}/history")
def history(
    id: ItemId,
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    cursor: Below = None,
) -> views.History:
    """Every change of hands: deposits, settlements, withdrawals."""
    return views.history_page(id, deps.items.history(id, below=cursor, limit=limit), limit)


@app.get("/v1/netting/differences")
def differences(deps: Wired, _: Operator, limit: Limit = 50, cursor: Below = None) -> views.Differences:
    """Where the books and the program's accounts differed, now or once."""
    return views.differences_page(deps.reconciling.differences(below=cursor or NEWEST, limit=limit), limit)


handler = lambda_handler(app)
