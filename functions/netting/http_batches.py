"""Show batches, settlements and proofs to anybody; administrators tune when a batch is made."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from functions.netting.adapters import batch_views as views
from functions.netting.adapters.intent_views import Key
from functions.netting.adapters.item_views import ITEM_ID
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired
from kernel.tunables.documents import Threshold, Thresholds, Tuned, threshold_view

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Limit = Annotated[int, Query(ge=1, le=200)]


@app.get("/api/batches/recent")
@app.get("/v1/netting/batches/recent")
def recent(deps: Wired, _: Anyone, limit: Limit = 50, cursor: UUID | None = None) -> views.BatchPage:
    """Batches, newest first."""
    return deps.showing.recent(cursor, limit=limit)


@app.get("/api/batches/{id}")
@app.get("/v1/netting/batches/{id}")
def batch(id: UUID, deps: Wired, _: Anyone) -> views.BatchStory:
    """One batch."""
    return deps.showing.story(id)


@app.get("/api/pending")
@app.get("/v1/netting/pending")
def pending(
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=views.PENDING_CURSOR)] = None,
) -> views.PendingPage:
    """Intents that wait to be netted, in priority order, with the reason where they were tried."""
    return deps.showing.pending(cursor, limit=limit)


@app.get("/api/settlement/{id}")
@app.get("/v1/netting/settlement/{id}")
def settlement(
    id: Annotated[str, Path(pattern=views.SETTLEMENT)],
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    cursor: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1,
) -> views.SettlementPage:
    """The settlement of a number in the program, or all those of a batch."""
    return deps.showing.settlements(id, after=cursor, limit=limit)


@app.get("/api/proof/{batch}/{item}")
@app.get("/v1/netting/proof/{batch}/{item}")
def item_proof(batch: UUID, item: Annotated[str, Path(pattern=ITEM_ID)], deps: Wired, _: Anyone) -> views.ItemProof:
    """That a batch gave an item to its owner."""
    return deps.showing.item_proof(batch, item)


@app.get("/v1/netting/proof/{batch}/wallets/{wallet}")
def wallet_proof(batch: UUID, wallet: Key, deps: Wired, _: Anyone) -> views.WalletProof:
    """That a batch moved a wallet's funds by so much."""
    return deps.showing.wallet_proof(batch, wallet)


@app.get("/api/statistics")
@app.get("/v1/netting/statistics")
def statistics(deps: Wired, _: Anyone) -> views.Statistics:
    """Transactions saved, and cash moved against cash traded."""
    return deps.showing.statistics()


@app.get("/v1/netting/thresholds")
def thresholds(deps: Wired, _: Operator) -> Thresholds:
    """Every limit of netting with its bounds."""
    return Thresholds(thresholds=[threshold_view(deps.tunables, one) for one in deps.tunables.declarations()])


@app.put("/v1/netting/thresholds/{name}")
def tune(
    name: Annotated[str, Path(pattern="^netting[.][a-z][a-z0-9_]{0,80}$")], tuned: Tuned, deps: Wired, admin: Admin
) -> Threshold:
    """Change a limit; every container follows within fifteen seconds."""
    deps.tunables.set(name, Decimal(tuned.value), actor=admin.identity, reason=tuned.reason)
    return threshold_view(deps.tunables, deps.tunables.declared(name))


handler = lambda_handler(app)
