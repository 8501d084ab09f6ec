"""Let wallets bring funds and items into the program and take them out, by transactions that they sign.

A withdrawal is co-signed unless a batch counts on what it takes. Whoever is refused asks the program itself, and
withdraws after ten minutes without us: functions/netting/README.md says how.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query

from functions.netting.adapters import wallet_views as views
from functions.netting.adapters.intent_views import Key
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
AskedKey = Annotated[str, Header(alias="Idempotency-Key", pattern=views.ASKED_KEY)]


@app.post("/v1/netting/custody/funds/deposit")
def deposit_funds(body: views.FundsBody, deps: Wired, _: Anyone, key: AskedKey) -> views.OfferView:
    """The transaction that locks funds; a wallet's first one opens its ledger. The same key is the same offer."""
    offered = deps.wallets.custody.deposit_funds(body.wallet, int(body.amount_lamports), key)
    return views.offer_view(offered, deps.clock.now())


@app.post("/v1/netting/custody/funds/withdraw")
def withdraw_funds(body: views.FundsBody, deps: Wired, _: Anyone, key: AskedKey) -> views.OfferView:
    """The transaction that takes funds back; we co-sign it once it is confirmed and no batch counts on them."""
    offered = deps.wallets.custody.withdraw_funds(body.wallet, int(body.amount_lamports), key)
    return views.offer_view(offered, deps.clock.now())


@app.post("/v1/netting/custody/items/deposit")
def deposit_item(body: views.ItemWishBody, deps: Wired, _: Anyone, key: AskedKey) -> views.OfferView:
    """The transaction that takes a registered item into escrow; we co-sign it, since we give its number."""
    return views.offer_view(deps.wallets.custody.deposit_item(body.wallet, body.item_id, key), deps.clock.now())


@app.post("/v1/netting/custody/items/withdraw")
def withdraw_item(body: views.ItemWishBody, deps: Wired, _: Anyone, key: AskedKey) -> views.OfferView:
    """The transaction that gives an item back; we co-sign it once it is confirmed and no batch counts on it."""
    return views.offer_view(deps.wallets.custody.withdraw_item(body.wallet, body.item_id, key), deps.clock.now())


@app.post("/v1/netting/custody/{id}/confirm", status_code=202)
def confirm(
    id: UUID,
    body: views.SignedOffer,
    deps: Wired,
    _: Anyone,
) -> views.OfferView:
    """Bring the signed transaction onto the cluster, once: its id is the request's key, and again is harmless."""
    return views.offer_view(deps.wallets.custody.confirm(id, views.octets(body.transaction)), deps.clock.now())


@app.get("/v1/netting/custody")
def transactions(
    wallet: Annotated[Key, Query()],
    deps: Wired,
    _: Anyone,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=views.CURSOR)] = None,
) -> views.OfferPage:
    """What a wallet was offered and has signed, the newest first."""
    found = deps.wallets.transactions.page(wallet, limit=limit, below=views.below(cursor))
    return views.offer_page(found, limit, deps.clock.now())


@app.get("/v1/netting/custody/{id}")
def transaction(id: UUID, deps: Wired, _: Anyone) -> views.OfferView:
    """One of them."""
    return views.offer_view(deps.wallets.transactions.transaction(id), deps.clock.now())


handler = lambda_handler(app)
