"""Let administrators see contests' money, move what is free of it, and hand keys over where two others agree.

An administrator (operator) sees, and replays what is parked; a superadmin (administrator) moves money and keys. The
`Idempotency-Key` of a transfer names its batch: each of the batch's lines moves once, however often it is asked for.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Header, Path, Query

from functions.contests.adapters import admin_views as views
from functions.contests.adapters.admin_transfers import Wanted
from functions.contests.adapters.forms import Address
from functions.contests.core.obligation import Kind, State
from functions.contests.wiring import Deps, build_admin_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("contests", build_admin_deps)
Wired = Annotated[Deps, Depends(wired)]
Admin = Annotated[Principal, Depends(require(Role.OPERATOR))]
Superadmin = Annotated[Principal, Depends(require(Role.ADMIN))]
Batch = Annotated[str, Header(alias="Idempotency-Key", pattern=views.BATCH)]
Named = Annotated[str, Path(pattern=views.BATCH)]
Limit = Annotated[int, Query(ge=1, le=50)]
Number = Annotated[int, Path(ge=0, le=2**31 - 1)]


@app.post("/v1/contests/admin/transfers", status_code=202)
def transfer(body: views.TransferBody, deps: Wired, admin: Superadmin, key: Batch) -> views.TransferBatch:
    """Move lamports or tokens of a wallet whose key we hold."""
    wanted = [Wanted(0, body.recipient, int(body.amount_base_units))]
    deps.admin_transfers.transfer(views.asked(key, body, admin.identity), wanted)
    return views.batch_view(key, deps.admin_transfers.batch(key, after=-1, limit=50), 50)


@app.post("/v1/contests/admin/mass-transfers", status_code=202)
def mass_transfer(body: views.MassTransferBody, deps: Wired, admin: Superadmin, key: Batch) -> views.TransferBatch:
    """Move money to many. More lines may follow under the same batch; the same ones again move nothing."""
    deps.admin_transfers.transfer(views.asked(key, body, admin.identity), body.wanted())
    return views.batch_view(key, deps.admin_transfers.batch(key, after=-1, limit=50), 50)


@app.post("/v1/contests/admin/reclaims", status_code=202)
def reclaim(body: views.ReclaimBody, deps: Wired, admin: Superadmin, key: Batch) -> views.TransferBatch:
    """Move what a wallet does not need to the treasury: it keeps nothing, or at least 890 880 lamports."""
    deps.admin_transfers.reclaim(views.asked(key, body, admin.identity), int(body.leaving_lamports))
    return views.batch_view(key, deps.admin_transfers.batch(key, after=-1, limit=50), 50)


@app.get("/v1/contests/admin/transfers/{batch}")
def batch(
    batch: Named,
    deps: Wired,
    _: Admin,
    limit: Limit = 50,
    cursor: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1,
) -> views.TransferBatch:
    """What became of a batch's lines."""
    return views.batch_view(batch, deps.admin_transfers.batch(batch, after=cursor, limit=limit), limit)


@app.get("/v1/contests/admin/payments")
def stopped(
    deps: Wired,
    _: Admin,
    state: Literal["held", "parked"] | None = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=views.STOP)] = None,
) -> views.Payments:
    """What is held until its account can take it, and what is parked for an operator, oldest first."""
    states = [State.HELD, State.PARKED] if state is None else [State(state)]
    page = deps.administering.stopped(states, behind=views.behind(cursor), limit=limit)
    return views.stopped_view(page, limit)


@app.get("/v1/contests/admin/contests/{contest_id}/payments")
def payments(
    contest_id: UUID,
    deps: Wired,
    _: Admin,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=views.LINE)] = None,
) -> views.Payments:
    """What a contest owes, line by line."""
    return views.payments_view(deps.administering.payments(contest_id, behind=cursor, limit=limit), limit)


@app.post("/v1/contests/admin/contests/{contest_id}/payments/{kind}/{line}/replay", status_code=202)
def replay(
    contest_id: UUID,
    kind: Literal["payout", "refund", "advance"],
    line: Number,
    body: views.ReasonBody,
    deps: Wired,
    admin: Admin,
) -> views.Payment:
    """Try a parked payment again, from the first try on. What it has sent so far had no effect, and never will."""
    owed = deps.administering.replay(contest_id, Kind(kind), line, actor=admin.identity, reason=body.reason)
    return views.payment_view(owed)


@app.get("/v1/contests/admin/balances")
def balances(deps: Wired, _: Admin, limit: Limit = 50, cursor: UUID | None = None) -> views.Balances:
    """Contests' wallets, on the chain and in the books."""
    page = deps.administering.wallets(cursor, limit)
    fee_payer = deps.settings.fee_payer
    return views.Balances(
        fee_payer=fee_payer,
        fee_payer_lamports=str(deps.administering.holds(fee_payer)),
        balances=[views.balance_view(*one) for one in page],
        next_cursor=page[-1][0].id if len(page) == limit else None,
    )


@app.post("/v1/contests/admin/wallets/{address}/retirement")
def retire(address: Address, body: views.ReasonBody, deps: Wired, admin: Superadmin) -> views.Retirement:
    """Give a wallet to no contest any more. One that has it keeps it: move what is free of it by a reclaim."""
    return views.retirement_view(deps.administering.retire(address, actor=admin.identity, reason=body.reason))


@app.post("/v1/contests/admin/exports", status_code=201)
def ask_for_key(body: views.ExportBody, deps: Wired, admin: Superadmin) -> views.ExportView:
    """Want a wallet's key, sealed to a public key of one's own. Two others have to agree within a day."""
    export = deps.key_exports.ask(body.address, body.sealed_to_base64, actor=admin.identity, reason=body.reason)
    return views.export_view(export)


@app.post("/v1/contests/admin/exports/{export_id}/approvals")
def approve(export_id: UUID, deps: Wired, admin: Superadmin) -> views.ExportView:
    """Agree to somebody else's export."""
    return views.export_view(deps.key_exports.approve(export_id, actor=admin.identity))


@app.post("/v1/contests/admin/exports/{export_id}/key")
def give(export_id: UUID, deps: Wired, admin: Superadmin) -> views.SealedKey:
    """The key in its box, once, for whoever asked."""
    address, box = deps.key_exports.give(export_id, actor=admin.identity)
    return views.sealed_view(address, box)


handler = lambda_handler(app)
