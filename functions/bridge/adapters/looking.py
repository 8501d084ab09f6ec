"""What decisions and payments look at before they promise anything: the deposit's place, and the registry's word."""

from dataclasses import dataclass

from functions.bridge.adapters.market import payment_of
from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.registry import Paid, Registry
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.finality import Depth, missing, required
from functions.bridge.core.order import Deposit, Event
from kernel.postgres import Transaction

ALREADY_PAID = "already_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A deposit as it was looked at: how deep it lies, None for nowhere, and who paid it already, if anybody did."""

    deposit: Deposit
    depth: Depth | None
    paid: Paid | None


@dataclass(frozen=True, slots=True)
class Unread:
    """Why nothing was seen that a step could be taken by.

    over: no such step is to be taken any more. again_s: after what time to look again; None leaves that to the step.
    """

    reason: str
    over: bool = False
    again_s: float | None = None


def sight_of(deposit: Deposit, origin: Origin, registry: Registry) -> Sight:
    """Read both chains by quorum. Raises what is transient. What no payment can be of is not asked for."""
    payment = payment_of(deposit, origin)
    paid = registry.paid(payment) if payment is not None and deposit.amount_wei > 0 else None
    return Sight(deposit=deposit, depth=origin.depth(deposit), paid=paid)


def doubt_of(order: StoredOrder, sight: Sight, origin: Origin) -> str | None:
    """Why the deposit does not bear the order's payment any more; None where it does."""
    if sight.depth is None:
        return "deposit_gone"
    needed = required(int(order.inputs["value_usd_cents"]), origin.table)
    return None if missing(sight.depth, needed) == 0 else "deposit_not_final"


def already_paid(
    tx: Transaction, orders: Orders, posts: Posts, order: StoredOrder, paid: Paid, *, signer: str
) -> StoredOrder:
    """The order after somebody's final payment: ours goes on to the claim, another's is theirs to claim."""
    told = {"payer": paid.payer, "transaction_hash": paid.transaction_hash.hex(), "block_number": paid.block_number}
    if paid.payer != signer:
        return orders.move(tx, order, Event.DROP, reason=ALREADY_PAID, told=told)
    found = orders.move(tx, order, Event.FIND, told=told, fill=(paid.transaction_hash, paid.block_number))
    posts.paid(tx, found)
    orders.enqueue_claims(tx, found.key.origin)
    return found
