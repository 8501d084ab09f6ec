"""Owns what an order would come to before there is one: its cost, the fee that pays for it, the wait, the decision.

The decision is the one that `policy.decide` would make of it once its deposit lies deep enough, at today's market.
"""

from dataclasses import dataclass, replace

from functions.bridge.core.fees import Costs, fee_wanted_wei
from functions.bridge.core.finality import Depth, required
from functions.bridge.core.order import Deposit, Order, State
from functions.bridge.core.policy import Decision, Finality, Inventory, Limits, Market, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The answer.

    costs, fee_wanted_wei: None if the recipient would refuse the payment. value_usd_cents, wait_s: None without a
    usable price. confirmations: of the deposit's block; None for the origin's own finality.
    """

    costs: Costs | None
    fee_wanted_wei: int | None
    value_usd_cents: int | None
    confirmations: int | None
    wait_s: float | None
    decision: Decision


def quote(
    deposit: Deposit, market: Market, limits: Limits, inventory: Inventory, finality: Finality, *, is_fee_given: bool
) -> Quote:
    """What becomes of such a deposit; with the fee that is wanted, unless it has one of its own."""
    costs = market.costs()
    wanted_wei = None if costs is None else fee_wanted_wei(costs, limits.margin_bps)
    if not is_fee_given and wanted_wei is not None:
        deposit = replace(deposit, fee_wei=wanted_wei)
    deep = replace(finality, depth=Depth(confirmations=0, finalized=True))
    order = Order(deposit=deposit, state=State.PENDING, seen_at=market.now)
    value = market.value_usd_cents(deposit.amount_wei)
    confirmations = None if value is None else required(value, finality.table)
    wait_s = finality.finality_s if confirmations is None else confirmations * finality.block_s
    return Quote(
        costs=costs,
        fee_wanted_wei=wanted_wei,
        value_usd_cents=value,
        confirmations=confirmations,
        wait_s=None if value is None else wait_s,
        decision=decide(order, market, limits, inventory, deep),
    )
