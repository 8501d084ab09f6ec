"""Let anybody quote and follow orders, operators see the bridge's money, and administrators tune it and free orders."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AwareDatetime, BeforeValidator, StringConstraints

from functions.bridge.adapters import money_views as money
from functions.bridge.adapters import order_views as views
from functions.bridge.adapters.reading import Wanted
from functions.bridge.core.order import OrderKey, State
from functions.bridge.wiring import Deps, build_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired
from kernel.tunables.documents import Threshold, Thresholds, Tuned, threshold_view

app = api("bridge", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Network = Annotated[str, Path(pattern=views.NETWORK)]
OrderId = Annotated[str, Path(pattern=views.ORDER_ID)]
Generation = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=200)]
Amount = Annotated[str, StringConstraints(pattern=money.AMOUNT)]
Moment = Annotated[Annotated[AwareDatetime, BeforeValidator(money.written)] | None, Query()]


@app.get("/bridge/quote")
@app.get("/v1/bridge/quote")
def quote(
    deps: Wired,
    _: Anyone,
    network: Annotated[str, Query(pattern=views.NETWORK)],
    amount_wei: Annotated[Amount, Query()],
    fee_wei: Annotated[Amount | None, Query()] = None,
    recipient: Annotated[str | None, Query(pattern=views.ADDRESS)] = None,
) -> money.QuoteView:
    """What an order would come to at this moment: the least fee, the wait, and what would be decided of it."""
    return deps.overview.quote(network, int(amount_wei), None if fee_wei is None else int(fee_wei), recipient)


@app.get("/bridge/orders")
@app.get("/v1/bridge/orders")
def orders(  # one parameter a field of the query
    deps: Wired,
    _: Anyone,
    network: Annotated[str | None, Query(pattern=views.NETWORK)] = None,
    state: State | None = None,
    recipient: Annotated[str | None, Query(pattern=views.ADDRESS)] = None,
    parked: bool | None = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=views.CURSOR)] = None,
) -> views.Orders:
    """Orders, the newest first."""
    word = None if recipient is None else int(recipient, 16)
    wanted = Wanted(origin=network, state=state, recipient=word, is_parked=parked)
    return deps.overview.orders(wanted, limit=limit, cursor=cursor)


@app.get("/bridge/orders/{network}/{id}")
@app.get("/v1/bridge/orders/{network}/{id}")
def order(
    network: Network,
    id: OrderId,
    deps: Wired,
    _: Anyone,
    generation: Generation = None,
) -> views.OrderStory:
    """One order with its whole history. After a reorganisation an id may have been several deposits: generations."""
    return deps.overview.order(OrderKey(network, int(id)), generation)


@app.get("/v1/bridge/orders/{network}/{id}/trace")
def trace(
    network: Network,
    id: OrderId,
    deps: Wired,
    _: Operator,
    generation: Generation = None,
) -> views.OrderTrace:
    """The same with its decision's inputs, errors, transactions, profit, and every moment of the time-line."""
    return deps.overview.trace(OrderKey(network, int(id)), generation)


@app.post("/v1/bridge/orders/{network}/{id}/release")
def release(
    network: Network,
    id: OrderId,
    why: views.Why,
    deps: Wired,
    admin: Admin,
    generation: Generation = 1,
) -> views.OrderView:
    """Let a parked order go on at once, with all its attempts; who and why is kept."""
    key = OrderKey(network, int(id))
    return views.order_view(deps.retrying.release(key, generation or 1, actor=admin.identity, reason=why.reason))


@app.get("/bridge/inventory")
@app.get("/v1/bridge/inventory")
def inventory(deps: Wired, _: Operator) -> money.Inventory:
    """What we have on Ethereum and on every network, what of it is promised, and what comes back."""
    return deps.overview.inventory()


@app.get("/bridge/pnl")
@app.get("/v1/bridge/pnl")
def profit_and_loss(deps: Wired, _: Operator, since: Moment = None, until: Moment = None) -> money.ProfitAndLoss:
    """What the bridge earned and lost between two moments, or ever, as the books have it to the wei."""
    return deps.overview.profit_and_loss(since, until)


@app.get("/v1/bridge/rebalances")
def rebalances(
    deps: Wired, _: Operator, limit: Limit = 50, cursor: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None
) -> money.Rebalances:
    """Decisions about where our money should be, newest first, each with what it was made from."""
    return deps.overview.rebalances(limit=limit, below=cursor)


@app.get("/v1/bridge/thresholds")
def thresholds(deps: Wired, _: Operator) -> Thresholds:
    """Every limit of the bridge with its bounds."""
    return Thresholds(thresholds=[threshold_view(deps.tunables, one) for one in deps.tunables.declarations()])


@app.put("/v1/bridge/thresholds/{name}")
def tune(
    name: Annotated[str, Path(pattern="^bridge[.][a-z][a-z0-9_]{0,80}$")], tuned: Tuned, deps: Wired, admin: Admin
) -> Threshold:
    """Change a limit; every container follows within fifteen seconds."""
    deps.tunables.set(name, Decimal(tuned.value), actor=admin.identity, reason=tuned.reason)
    return threshold_view(deps.tunables, deps.tunables.declared(name))


handler = lambda_handler(app)
