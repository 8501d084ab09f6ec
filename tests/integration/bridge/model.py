"""What must come of orders, in plain words. It knows nothing of the product's states, tables or rules but their names.

A deposit may be paid once, by whomever, if it lies as deep as its value asks for when we pay. It must be paid by us in
the end if it stays on its chain, nobody else pays it, the recipient takes it, we take such amounts, and its fee pays
for the work. What we have paid is repaid once the escrow hears of it, if the deposit is there; else it is lost.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.integration.bridge.stage import ETHER, Locked

ETHER_USD: Final = 2_000
#: Up to so many dollars, so many blocks, the deposit's own counted; more waits for the chain's own finality.
DEPTHS: Final = ((100, 2), (1_000, 4), (10_000, 32))
AMOUNT_MAX_WEI: Final = ETHER
#: Below it no order pays for itself, above the other each does, at the prices of the stage.
FEE_TOO_LOW_WEI, FEE_ENOUGH_WEI = ETHER // 10_000, ETHER // 100


class End(StrEnum):
    """Where an order rests when nothing moves any more."""

    COMPLETED = "completed"
    LOST = "lost"  # paid, and its deposit is gone
    FORGOTTEN = "forgotten"  # its deposit is gone
    TOO_LARGE = "amount_above_limit"
    REFUSED = "recipient_refuses"
    BURNT = "recipient_burns_gas"
    UNPROFITABLE = "fee_below_cost"
    ALREADY_PAID = "already_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What the world did about an order: all that its end may depend on.

    refused: whether its recipient has, at any time, refused or burnt gas; then it may have been dropped, or paid before
    or after.
    """

    on_chain: bool
    paid_by_us: int
    paid_by_others: int
    refused: bool = False


def blocks_needed(amount_wei: int) -> int | None:
    """How deep a deposit of so much must lie; None for the chain's own finality."""
    dollars = amount_wei * ETHER_USD / ETHER
    return next((blocks for most, blocks in DEPTHS if dollars <= most), None)


def ends(order: Locked, fate: Fate) -> set[End]:
    """Where this order may rest."""
    if fate.paid_by_us:
        return {End.COMPLETED} if fate.on_chain else {End.LOST}
    unpaid = _unpaid(order, fate)
    return unpaid if fate.on_chain else unpaid | {End.FORGOTTEN}


def _unpaid(order: Locked, fate: Fate) -> set[End]:
    """Why we may not have paid: whoever looks says the first reason that he finds."""
    why = {End.ALREADY_PAID} if fate.paid_by_others else set()
    if order.amount_wei > AMOUNT_MAX_WEI:
        return why | {End.TOO_LARGE}
    if fate.refused:
        why |= {End.REFUSED, End.BURNT}
    return why | ({End.UNPROFITABLE} if order.fee_wei <= FEE_TOO_LOW_WEI else set())


def sums(orders: dict[Locked, Fate]) -> int:
    """What we have earned of all orders that are over, before gas and messages: fees, less what is lost."""
    repaid = sum(order.fee_wei for order, fate in orders.items() if fate.paid_by_us and fate.on_chain)
    return repaid - sum(order.amount_wei for order, fate in orders.items() if fate.paid_by_us and not fate.on_chain)
