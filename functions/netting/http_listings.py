"""Take sellers' signed asks in, show them, and take them back."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from functions.netting.adapters import listing_views as views
from functions.netting.adapters.listings import Wanted
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone, paced
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

#: Of one address.
REQUESTS_PER_SECOND = 100

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Paced = Annotated[Principal, Depends(paced(REQUESTS_PER_SECOND))]
ListingId = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
Text = Annotated[str | None, Query(min_length=1, max_length=128)]


@app.post("/api/listings")
@app.post("/v1/netting/listings")
def post_listing(body: views.ListingBody, deps: Wired, _: Paced) -> views.ListingView:
    """Offer an item at a price until a moment. The same ask again finds itself."""
    return views.listing_view(deps.listings.take(body), deps.clock.now())


@app.get("/api/listings")
@app.get("/v1/netting/listings")
def listings(  # one parameter a field of the query
    deps: Wired,
    _: Anyone,
    item_id: Text = None,
    seller: Text = None,
    state: Literal["active", "sold", "withdrawn"] | None = None,
    is_open: Annotated[bool, Query(alias="open")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=views.CURSOR)] = None,
) -> views.ListingPage:
    """Asks, the newest first; with `open` only those at which anybody may buy now."""
    wanted = Wanted(item_id=item_id, seller=seller, state=state, is_open=is_open)
    found = deps.listings.page(wanted, limit=limit, cursor=cursor)
    return views.listing_page(found, limit, deps.clock.now())


@app.get("/api/listings/{id}")
@app.get("/v1/netting/listings/{id}")
def listing(id: ListingId, deps: Wired, _: Anyone) -> views.ListingView:
    """One ask."""
    return views.listing_view(deps.listings.shown(id), deps.clock.now())


@app.delete("/api/listings/{id}")
@app.delete("/v1/netting/listings/{id}")
def withdraw_listing(
    id: ListingId,
    withdrawal: views.Withdrawal,
    deps: Wired,
    _: Paced,
) -> views.ListingView:
    """Take an ask back; purchases that wait at it are dropped."""
    return views.listing_view(deps.listings.withdraw(id, withdrawal.signature), deps.clock.now())


handler = lambda_handler(app)
