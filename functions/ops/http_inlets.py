"""Let operators see where deposits come in, and let administrators declare it."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends

from functions.ops.adapters.treasury_views import Address, Chain, Positive, Reason
from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired
from kernel.treasury.inlets import Inlet, InletRecord

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]


class DeclaredInlet(Document):
    """An inlet to watch from now on, or other terms of a declared one.

    `address` is a deposit contract of the wallet (EVM), or the wallet itself (Solana). What is at least
    `least_base_units` is forwarded to `forward_to`, if that is given; it must be more than a transfer's fee may cost.
    """

    chain: Chain
    address: Address
    wallet: Address
    forward_to: Address | None = None
    least_base_units: Positive
    reason: Reason


class InletView(Document):
    """A declared inlet; what came before `start_block` is none of its deposits."""

    chain: str
    address: str
    wallet: str
    forward_to: str | None
    least_base_units: str
    start_block: int
    declared_at: datetime


class Inlets(Document):
    """Every inlet, by chain and address."""

    inlets: list[InletView]


@app.get("/v1/ops/treasury/inlets")
def inlets(deps: Wired, _: Operator) -> Inlets:
    """Where deposits come in."""
    return Inlets(inlets=[_view(inlet) for inlet in deps.deposits.inlets()])


@app.post("/v1/ops/treasury/inlets")
def declare(body: DeclaredInlet, deps: Wired, admin: Admin) -> InletView:
    """Take what comes through an inlet, told by webhooks and found by a cursor, from the present final block on."""
    desk = deps.chains.desk(body.chain)
    inlet = Inlet(
        chain=body.chain,
        address=desk.address(body.address),
        wallet=desk.address(body.wallet),
        forward_to=desk.address(body.forward_to) if body.forward_to else None,
        least=int(body.least_base_units),
    )
    return _view(deps.deposits.declare(inlet, actor=admin.identity, reason=body.reason))


def _view(inlet: InletRecord) -> InletView:
    return InletView(
        chain=inlet.chain,
        address=inlet.address,
        wallet=inlet.wallet,
        forward_to=inlet.forward_to,
        least_base_units=str(inlet.least),
        start_block=inlet.start_block,
        declared_at=inlet.declared_at,
    )


handler = lambda_handler(app)
