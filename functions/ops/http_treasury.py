"""Let operators see the treasury's wallets, and let administrators move money and halt services."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query

from functions.ops.adapters.treasury_views import (
    ADDRESS,
    ASKED_KEY,
    CHAIN,
    KEY,
    SERVICE,
    BookedDifference,
    DeclaredWallet,
    SwitchTurn,
    SwitchTurns,
    TransferView,
    Wallet,
    Wallets,
    WalletStatement,
    WantedTransfer,
    Why,
    Withdrawal,
    Withdrawn,
    statement_view,
    transfer_view,
    wallet_view,
)
from functions.ops.adapters.wallet_checks import checks
from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired
from kernel.treasury.movements import Order
from kernel.treasury.wallets import OperatorWallet

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
OnChain = Annotated[str, Path(pattern=CHAIN)]
AtAddress = Annotated[str, Path(pattern=ADDRESS)]
Named = Annotated[str, Path(pattern=SERVICE)]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=ASKED_KEY)]


@app.get("/v1/ops/treasury/wallets")
def wallets(deps: Wired, _: Operator) -> Wallets:
    """Every wallet of the treasury, with what its last check found and what needs a person."""
    return Wallets(wallets=[wallet_view(wallet) for wallet in deps.treasury.wallets()])


@app.post("/v1/ops/treasury/wallets")
def declare(body: DeclaredWallet, deps: Wired, admin: Admin) -> Wallet:
    """Take a wallet into the treasury, or change its floors. Its books begin at the check that follows."""
    desk = deps.chains.desk(body.chain)
    wallet = OperatorWallet(
        service=body.service,
        chain=body.chain,
        address=desk.address(body.address),
        floor=int(body.floor_base_units),
        target=int(body.target_base_units),
        funded_by=desk.address(body.funded_by) if body.funded_by else None,
    )
    declared = deps.treasury.declare(wallet, actor=admin.identity, reason=body.reason)
    deps.tasks.enqueue(checks([wallet], deps.clock.now()))
    return wallet_view(declared)


@app.get("/v1/ops/treasury/wallets/{chain}/{address}/statement")
def statement(
    chain: OnChain,
    address: AtAddress,
    deps: Wired,
    _: Operator,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> WalletStatement:
    """What came into and went out of a wallet's account, oldest first, with the balance after each posting."""
    canonical = deps.chains.desk(chain).address(address)
    return statement_view(deps.treasury.statement(chain, canonical, after=cursor, limit=limit))


@app.post("/v1/ops/treasury/wallets/{chain}/{address}/differences")
def book_difference(
    chain: OnChain, address: AtAddress, body: BookedDifference, deps: Wired, admin: Admin, key: Key
) -> Wallet:
    """Book the difference that the wallet's last check found, saying what it is; it is read anew after that."""
    canonical = deps.chains.desk(chain).address(address)
    difference = int(body.difference_base_units)
    deps.treasury.book_difference(chain, canonical, difference, key=key, actor=admin.identity, reason=body.reason)
    return wallet_view(deps.treasury.wallet(chain, canonical))


@app.post("/v1/ops/treasury/transfers", status_code=202)
def transfer(body: WantedTransfer, deps: Wired, admin: Admin, key: Key) -> TransferView:
    """Move money once. The same request under the same Idempotency-Key is the same transfer."""
    desk = deps.chains.desk(body.chain)
    order = Order(
        key=key,
        chain=body.chain,
        sender=desk.address(body.sender),
        recipient=desk.address(body.recipient),
        amount=int(body.amount_base_units),
        actor=admin.identity,
        reason=body.reason,
    )
    return transfer_view(deps.treasury.request(order))


@app.get("/v1/ops/treasury/transfers/{key}")
def transfer_by_key(key: Annotated[str, Path(pattern=KEY)], deps: Wired, _: Operator) -> TransferView:
    """A transfer as it stands."""
    return transfer_view(deps.treasury.transfer_by_key(key))


@app.get("/v1/ops/services")
def halted(deps: Wired, _: Operator) -> SwitchTurns:
    """The services that are halted now."""
    return SwitchTurns(turns=[SwitchTurn.model_validate(halt) for halt in deps.switch.halted()])


@app.get("/v1/ops/services/{service}")
def turns(service: Named, deps: Wired, _: Operator, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> SwitchTurns:
    """When a service was halted and resumed, by whom and why."""
    return SwitchTurns(turns=[SwitchTurn.model_validate(turn) for turn in deps.switch.history(service, limit)])


@app.post("/v1/ops/services/{service}/{turn}")
def turn_switch(
    service: Named,
    turn: Literal["halt", "resume"],
    body: Why,
    deps: Wired,
    admin: Admin,
) -> SwitchTurn:
    """Halt a service, or let it go on. Halted, it owes nothing new; what is signed goes on to its end."""
    act = deps.switch.halt if turn == "halt" else deps.switch.resume
    return SwitchTurn.model_validate(act(service, admin.identity, body.reason))


@app.post("/v1/ops/withdrawals", status_code=202)
def withdraw(body: Withdrawal, deps: Wired, admin: Admin) -> Withdrawn:
    """Want an obligation's effect no more: nothing more is signed for it, and what is signed may still happen."""
    state = deps.withdrawals.withdraw(body.business_key, actor=admin.identity, reason=body.reason)
    return Withdrawn(business_key=body.business_key, state=state)


handler = lambda_handler(app)
