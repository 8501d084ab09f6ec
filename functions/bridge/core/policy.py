"""Owns the decision about an order: fill it, look again later, or never.

1. What can never be paid is dropped: no address, no amount, more than we take of one order; and what would come back
   to a wallet of ours, whose books could not explain it.
2. Value decides what else is asked, so without a usable price nothing is decided.
3. The deposit must lie as deep as its value asks for.
4. Exposure: to one recipient, to one origin, and of our inventory with a floor that is never spent. It shrinks as
   claims come in, so these defer.
5. The recipient must take the payment, without burning more gas than we allow anybody: a simulation says so.
6. The fee must pay the cost with its margin. Gas becomes cheaper again, so this defers, until patience ends.

Rules that wait come in the order of what is cheapest to know; each outcome names the first that failed.

Around the decision: what one simulation alone speaks against is simulated at a second block (`doubted`), and what has
waited for long is looked at less often (`patient`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from functions.bridge.core.fees import Costs, fee_wanted_wei
from functions.bridge.core.finality import Depth, Rule, missing, required
from functions.bridge.core.order import Deposit, Order
from functions.bridge.core.retry import growing_s
from kernel.abi import WordMalformed, address_of_word
from kernel.amounts import mul_div_ceil

_WEI_PER_ETHER = 10**18


class Reason(StrEnum):
    """Why an order is not filled, or not yet."""

    NO_ADDRESS = "recipient_is_no_address"
    OURSELVES = "recipient_is_ours"
    NO_AMOUNT = "amount_is_zero"
    TOO_LARGE = "amount_above_limit"
    NO_PRICE = "price_unusable"
    NOT_FINAL = "deposit_not_final"
    RECIPIENT_EXPOSED = "recipient_limit_reached"
    ORIGIN_EXPOSED = "origin_limit_reached"
    INVENTORY = "inventory_too_low"
    REFUSES = "recipient_refuses"
    BURNS_GAS = "recipient_burns_gas"
    UNPROFITABLE = "fee_below_cost"


#: What a simulation says. It is of one block, and a recipient's code may look at what only that block held.
SIMULATED = frozenset((Reason.REFUSES, Reason.BURNS_GAS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Pay the amount to this address."""

    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defer:
    """Decide again then."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Never."""

    reason: Reason


Decision = Fill | Defer | Drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What was read of the world for this decision, at `now`.

    ether_usd_cents: of one ether; None without a usable price. transfer_gas: None if the simulated payment reverts, at
    `simulated_block` of Ethereum.
    """

    now: datetime
    ether_usd_cents: int | None
    gas_price_wei: int
    transfer_gas: int | None
    claim_gas: int
    message_fee_wei: int
    simulated_block: int = 0

    def costs(self) -> Costs | None:
        """What the order costs; None if its payment reverts."""
        if self.transfer_gas is None:
            return None
        return Costs(
            gas_price_wei=self.gas_price_wei,
            transfer_gas=self.transfer_gas,
            claim_gas=self.claim_gas,
            message_fee_wei=self.message_fee_wei,
        )

    def value_usd_cents(self, amount_wei: int) -> int | None:
        """What so much is worth, rounded up; None without a usable price."""
        if self.ether_usd_cents is None:
            return None
        return mul_div_ceil(amount_wei, self.ether_usd_cents, _WEI_PER_ETHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What we take upon us; an operator's tunables."""

    order_max_wei: int
    recipient_max_wei: int
    origin_max_wei: int
    balance_floor_wei: int
    transfer_gas_max: int
    margin_bps: int
    patience_s: int  # how long an order whose fee is too low is looked at again
    retry_s: int  # how long whatever else is missing is waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What we could spend on Ethereum, less all that is promised; and what is promised and not repaid yet."""

    available_wei: int
    recipient_open_wei: int
    origin_open_wei: int
    is_recipient_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finality:
    """Where the deposit is, what its origin asks for, and how long one of its blocks takes."""

    depth: Depth
    table: tuple[Rule, ...]
    block_s: float
    finality_s: float  # how long the origin's own finality usually takes


def decide(order: Order, market: Market, limits: Limits, inventory: Inventory, finality: Finality) -> Decision:
    """What becomes of an order to which nothing is promised yet; the module's essay numbers the rules."""
    deposit = order.deposit
    recipient = _address(deposit.recipient)
    if recipient is None or inventory.is_recipient_ours:
        return Drop(reason=Reason.NO_ADDRESS if recipient is None else Reason.OURSELVES)
    if not 0 < deposit.amount_wei <= limits.order_max_wei:
        return Drop(reason=Reason.TOO_LARGE if deposit.amount_wei else Reason.NO_AMOUNT)
    value_usd_cents = market.value_usd_cents(deposit.amount_wei)
    if value_usd_cents is None:
        return _later(market, limits.retry_s, Reason.NO_PRICE)

    blocks = missing(finality.depth, required(value_usd_cents, finality.table))
    if blocks != 0:
        wait_s = finality.finality_s if blocks is None else blocks * finality.block_s
        return _later(market, wait_s, Reason.NOT_FINAL)
    exposed = _exposed(deposit, limits, inventory)
    if exposed is not None:
        return _later(market, limits.retry_s, exposed)
    return _priced(order, recipient, market, limits, inventory)


def doubted(decision: Decision, market: Market, limits: Limits, *, refused_block: int | None) -> Decision:
    """The decision; if only one simulation speaks for dropping the order, look again.

    refused_block: at which the decision before this one saw the payment refused, too; None where it did not.
    """
    if not isinstance(decision, Drop) or decision.reason not in SIMULATED:
        return decision
    if refused_block is not None and refused_block < market.simulated_block:
        return decision
    return _later(market, limits.retry_s, decision.reason)


def patient(decision: Decision, now: datetime, pending_since: datetime) -> Decision:
    """The decision, later the longer the order has been waiting; what is missing of a block comes by the clock."""
    if not isinstance(decision, Defer) or decision.reason == Reason.NOT_FINAL:
        return decision
    pause_s = growing_s((decision.until - now).total_seconds(), (now - pending_since).total_seconds())
    return replace(decision, until=now + timedelta(seconds=pause_s))


def _address(recipient: int) -> str | None:
    try:
        return address_of_word(recipient) if recipient else None
    except WordMalformed:
        return None


def _exposed(deposit: Deposit, limits: Limits, inventory: Inventory) -> Reason | None:
    if inventory.recipient_open_wei + deposit.amount_wei > limits.recipient_max_wei:
        return Reason.RECIPIENT_EXPOSED
    if inventory.origin_open_wei + deposit.amount_wei > limits.origin_max_wei:
        return Reason.ORIGIN_EXPOSED
    return None


def _priced(order: Order, recipient: str, market: Market, limits: Limits, inventory: Inventory) -> Decision:
    costs = market.costs()
    if costs is None:
        return Drop(reason=Reason.REFUSES)
    if costs.transfer_gas > limits.transfer_gas_max:
        return Drop(reason=Reason.BURNS_GAS)
    deposit = order.deposit
    if deposit.fee_wei < fee_wanted_wei(costs, limits.margin_bps):
        if market.now - order.seen_at >= timedelta(seconds=limits.patience_s):
            return Drop(reason=Reason.UNPROFITABLE)
        return _later(market, limits.retry_s, Reason.UNPROFITABLE)
    if deposit.amount_wei + costs.total_wei > inventory.available_wei - limits.balance_floor_wei:
        return _later(market, limits.retry_s, Reason.INVENTORY)
    return Fill(recipient=recipient)


def _later(market: Market, seconds: float, reason: Reason) -> Defer:
    return Defer(until=market.now + timedelta(seconds=seconds), reason=reason)
