"""Let owners register and revoke session keys: each by a transaction of their own, which we offer and pass on."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from functions.netting.adapters import wallet_views as views
from functions.netting.adapters.intent_views import Key
from functions.netting.core.wallet_transaction import Kind
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]


@app.post("/api/session-keys/create")
@app.post("/v1/netting/session-keys/create")
def create(body: views.SessionBody, deps: Wired, _: Anyone) -> views.SessionOffer:
    """Ask for a session key; the owner signs the transaction, and posts it to confirm. Its secret never comes here."""
    return views.session_offer(deps.wallets.session_keys.create(body.terms, body.signed), deps.clock.now())


@app.get("/api/session-keys")
@app.get("/v1/netting/session-keys")
def sessions(
    owner: Annotated[Key, Query()],
    deps: Wired,
    _: Anyone,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=views.CURSOR)] = None,
) -> views.SessionPage:
    """An owner's session keys, the newest first."""
    found = deps.wallets.session_keys.page(owner, limit=limit, below=views.below(cursor))
    return views.session_page(found, limit)


@app.get("/api/session-keys/{id:uuid}")
@app.get("/v1/netting/session-keys/{id:uuid}")
def session(id: UUID, deps: Wired, _: Anyone) -> views.SessionView:
    """One session key."""
    return views.session_view(deps.wallets.session_keys.session(id))


@app.post("/api/session-keys/{id}/confirm", status_code=202)
@app.post("/v1/netting/session-keys/{id}/confirm", status_code=202)
def confirm(
    id: UUID,
    body: views.SignedOffer,
    deps: Wired,
    _: Anyone,
) -> views.SessionOffer:
    """Register the key: the owner has signed the offered transaction. Again is harmless."""
    found = deps.wallets.session_keys.confirm(id, Kind.REGISTER, views.octets(body.transaction))
    return views.session_offer(found, deps.clock.now())


@app.post("/api/session-keys/{id}/revoke")
@app.post("/v1/netting/session-keys/{id}/revoke")
def revoke(id: UUID, deps: Wired, _: Anyone) -> views.SessionOffer:
    """The transaction that revokes the key, for its owner to sign; until then nothing changes."""
    return views.session_offer(deps.wallets.session_keys.revocation(id), deps.clock.now())


@app.post("/api/session-keys/{id}/revoke/confirm", status_code=202)
@app.post("/v1/netting/session-keys/{id}/revoke/confirm", status_code=202)
def confirm_revocation(
    id: UUID,
    body: views.SignedOffer,
    deps: Wired,
    _: Anyone,
) -> views.SessionOffer:
    """Revoke the key: it trades no more from this answer on, whatever becomes of the transaction."""
    found = deps.wallets.session_keys.confirm(id, Kind.REVOKE, views.octets(body.transaction))
    return views.session_offer(found, deps.clock.now())


handler = lambda_handler(app)
