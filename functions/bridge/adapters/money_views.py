"""Owns the documents of the bridge's money: quotes, inventory, profit and loss, and where our money is sent."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from functions.bridge.adapters.order_views import ProfitView, profit_view
from functions.bridge.core import books
from functions.bridge.core.policy import Decision, Defer, Drop
from functions.bridge.core.quote import Quote
from kernel.handler.http import Document

AMOUNT = r"^(0|[1-9][0-9]{0,29})$"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class CostView(Document):
    """What filling such an order costs at this moment, in wei."""

    transfer_wei: str
    message_fee_wei: str
    claim_wei: str
    total_wei: str


class QuoteView(Document):
    """What an order would come to now. Nothing is reserved by it.

    `fee_wei`: the least for which it is filled; null, like `cost`, if its recipient would refuse the payment.
    `confirmations`: of the deposit's block; null where it takes the network's own finality. `wait_s`: for these, about;
    null while ether has no usable price. `outcome`: what would be decided of it, with the reason if it is not filled.
    """

    network: str
    amount_wei: str
    fee_wei: str | None
    cost: CostView | None
    value_usd_cents: int | None
    confirmations: int | None
    wait_s: float | None
    outcome: Literal["fill", "defer", "drop"]
    reason: str | None
    quoted_at: datetime


class Exposed(Document):
    """Orders of one network in one state."""

    state: str
    orders: int
    parked: int
    amount_wei: str
    fee_wei: str
    oldest_at: datetime


class NetworkInventory(Document):
    """What we have on a network, and what comes.

    `balance_wei`: the wallet there, as booked; null where the treasury does not keep it. `owed_wei`: paid on Ethereum
    and not repaid. `virtual_wei`: the balance once every order that is promised or paid is repaid, fees included.
    """

    network: str
    chain: str
    wallet: str
    balance_wei: str | None
    owed_wei: str
    lost_wei: str
    virtual_wei: str
    exposed: list[Exposed]


class Inventory(Document):
    """What we have on Ethereum. `virtual_wei`: the balance less what is promised and in no books yet.

    `available_wei`: of that, what may be promised: nothing of the floor.
    """

    chain: str
    signer: str
    balance_wei: str | None
    in_transit_wei: str | None
    promised_wei: str
    virtual_wei: str | None
    floor_wei: str
    available_wei: str | None
    networks: list[NetworkInventory]


class NetworkProfit(Document):
    """One network's part; gas and messages are told for all together. `earned_wei`: of its chain, if some share it."""

    network: str
    earned_wei: str
    lost_wei: str
    owed_wei: str


class ProfitAndLoss(ProfitView):
    """What the bridge earned in a span of time, or ever, as the books have it to the wei. One wei is one everywhere."""

    since: datetime | None
    until: datetime | None
    networks: list[NetworkProfit]


class CollectView(Document):
    """Earnings that were sent to the operator."""

    network: str
    recipient: str
    amount_wei: str
    key: str


class Rebalance(Document):
    """One decision about where our money should be, with what it was made from."""

    id: int
    decided_at: datetime
    collects: list[CollectView]
    alarms: list[str]
    inputs: dict[str, Any]


class Rebalances(Document):
    """A page, newest first; `next_cursor` continues it."""

    rebalances: list[Rebalance]
    next_cursor: int | None


def quote_view(network: str, amount_wei: int, quote: Quote, now: datetime) -> QuoteView:
    """As anybody may see it."""
    costs = quote.costs
    cost = costs and CostView(
        transfer_wei=str(costs.transfer_wei),
        message_fee_wei=str(costs.message_fee_wei),
        claim_wei=str(costs.claim_gas * costs.gas_price_wei),
        total_wei=str(costs.total_wei),
    )
    outcome, reason = _outcome(quote.decision)
    return QuoteView(
        network=network,
        amount_wei=str(amount_wei),
        fee_wei=text(quote.fee_wanted_wei),
        cost=cost,
        value_usd_cents=quote.value_usd_cents,
        confirmations=quote.confirmations,
        wait_s=quote.wait_s,
        outcome=outcome,
        reason=reason,
        quoted_at=now,
    )


def pnl_view(
    networks: Mapping[str, str],
    l1: str,
    before: Mapping[tuple[str, str], int],
    after: Mapping[tuple[str, str], int],
    *,
    since: datetime | None,
    until: datetime | None,
) -> ProfitAndLoss:
    """Between two states of the books. networks: origin -> its asset. l1: Ethereum's ether. Gas is of all chains."""

    def came(account: str, asset: str) -> int:
        return after.get((account, asset), 0) - before.get((account, asset), 0)

    parts = [
        NetworkProfit(
            network=origin,
            earned_wei=str(-came(books.EARNED, asset)),
            lost_wei=str(came(books.lost(origin), l1)),
            owed_wei=str(after.get((books.owed(origin), l1), 0)),
        )
        for origin, asset in sorted(networks.items())
    ]
    profit = books.Profit(
        earned_wei=-sum(came(books.EARNED, asset) for asset in {*networks.values()}),
        gas_wei=sum(came(books.FEES, asset) for asset in {l1, *networks.values()}),
        messages_wei=came(books.MESSAGES, l1) + sum(came(books.REFUNDED, asset) for asset in {*networks.values()}),
        lost_wei=sum(came(books.lost(origin), l1) for origin in networks),
    )
    told = profit_view(profit).model_dump()
    return ProfitAndLoss(**told, since=since, until=until, networks=parts)


def rebalances_view(rows: Sequence[Mapping[str, Any]], limit: int) -> Rebalances:
    """A page of decisions."""
    page = [Rebalance.model_validate(dict(row)) for row in rows]
    return Rebalances(rebalances=page, next_cursor=page[-1].id if len(page) == limit else None)


def _outcome(decision: Decision) -> tuple[Literal["fill", "defer", "drop"], str | None]:
    match decision:
        case Defer(reason=reason):
            return "defer", reason
        case Drop(reason=reason):
            return "drop", reason
    return "fill", None


def exposed_view(row: Mapping[str, Any]) -> Exposed:
    """Orders of one network in one state."""
    amounts = {name: str(int(row[name])) for name in ("amount_wei", "fee_wei")}
    return Exposed(**{name: row[name] for name in ("state", "orders", "parked", "oldest_at")}, **amounts)


def text(amount: int | None, more: int = 0) -> str | None:
    """An amount, and so much more; None stays None."""
    return None if amount is None else str(amount + more)


def written(moment: str) -> str:
    """A time in ISO 8601, and no number of seconds. Raises ValueError."""
    if not _DATE.match(moment):
        raise ValueError("a time is written in ISO 8601")
    return moment
