"""Waits for escrows: an order is completed when its escrow says that it is closed, never because the registry does.

Until then it is looked at whether the deposit is there at all, and whether the message to the origin was lost.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from functions.bridge.adapters.looking import Unread
from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.origin import Closing, Origin, Refund
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.reorganised import returned, vanished
from functions.bridge.adapters.steps import SERVICE, OrderStep
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.books import OUTSIDE
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import Event, State
from functions.bridge.core.registry import Family
from kernel.clock import Clock
from kernel.errors import Broken, Transient
from kernel.evm.blocks import hexadecimal
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.treasury.inlets import Deposit as Receipt
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletRecord, WalletUnknown

logger = logging.getLogger(__name__)

AWAY_S: Final = 10.0
PAUSE_MAX_S: Final = 300.0
#: How long a repayment waits for the books of the wallet that it came to.
UNOPENED_S: Final = 30.0
_WAITING: Final = frozenset((State.FULFILLED, State.PROVING, State.PROVED))
MESSAGE_LOST: Final = "message_lost"


class ClosedDifferently(Broken):
    """An escrow says that it has closed an order with another amount than we know of it."""

    cause = "The escrow is another one than configured, or its event is of another form."
    remedy = "Compare the order with the escrow's events before its closing is replayed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen of one order: how it was closed, or where its deposit is; what came back of messages' fees.

    wallet, refunded: the wallets that were repaid, and given back to, where the treasury keeps them.
    """

    closing: Closing | None
    depth: Depth | None
    refunds: tuple[Refund, ...] = ()
    wallet: WalletRecord | None = None
    refunded: WalletRecord | None = None


class Closings:
    """Orders that are paid and not repaid."""

    def __init__(
        self,
        postgres: Postgres,
        orders: Orders,
        posts: Posts,
        origins: Mapping[str, Origin],
        treasury: Treasury,
        clock: Clock,
        *,
        every_s: float,
        timeout_s: float,
    ) -> None:
        self._postgres, self._orders, self._posts, self._origins = postgres, orders, posts, origins
        self._treasury, self._clock = treasury, clock
        self._every_s, self._timeout = every_s, timedelta(seconds=timeout_s)

    def look(self, step: OrderStep) -> Watched | Unread:
        """Ask the escrow; while it waits, ask where the deposit is."""
        order = self._orders.order(self._postgres.glance, step.key, step.generation)
        if order.state not in _WAITING:
            return Unread(f"it is {order.state}", over=True)
        origin = self._origins.get(step.origin)
        if origin is None:
            return Unread("its origin is not configured")
        try:
            # An id may belong to another deposit by now, whose closing is none of this one's.
            depth = origin.depth(order.deposit)
            closing = origin.closed(order.deposit) if depth is not None else None
            if closing is None:
                return Watched(closing=None, depth=depth)
            refunds = origin.refunds(order.deposit, closing, widely=order.claims > 1)
        except Transient as away:
            return Unread(f"a chain cannot be read: {away.code}")
        wallet = self._wallet(origin, origin.account)
        refunded = self._wallet(origin, origin.refund_account) if refunds and origin.refund_account else None
        return Watched(closing=closing, depth=depth, refunds=refunds, wallet=wallet, refunded=refunded)

    def take(self, step: OrderStep, found: Watched | Unread, *, fence: Fence) -> Outcome:
        """Complete the order and book its repayment, or look again later."""
        if isinstance(found, Unread):
            return Skipped(found.reason) if found.over else Retry(AWAY_S, found.reason)
        if found.wallet is not None and found.wallet.opened_block is None:
            return Retry(UNOPENED_S, "the books of the wallet that is repaid are not open")

        def act(tx: Transaction, order: StoredOrder) -> Outcome:
            if found.closing is not None:
                return self._close(tx, order, found.closing, found)
            return self._wait(tx, order, found.depth)

        return self._orders.take(step, _WAITING, act, fence=fence)

    def _close(self, tx: Transaction, order: StoredOrder, closing: Closing, found: Watched) -> Outcome:
        # Some escrows log what the user wanted moved, and some all that they have repaid.
        deposit = order.deposit
        if closing.amount_wei not in (deposit.amount_wei, deposit.amount_wei + deposit.fee_wei):
            raise ClosedDifferently(order=order.business_key("close"), amount_wei=str(closing.amount_wei))
        origin = self._origins[order.key.origin]
        # The wallet before any account: whoever books a difference of it takes them in this order, too.
        if _is_booked(found.wallet, closing.block):
            self._treasury.receive(tx, _receipt(order, origin, closing))
        for refund in found.refunds:
            if _is_booked(found.refunded, refund.block):
                self._give_back(tx, order, origin, refund)
        order = self._posts.recover(tx, self._orders.found(tx, order))
        told = {"transaction_hash": hexadecimal(closing.transaction_hash), "block": closing.block}
        closed = self._orders.move(tx, order, Event.CLOSE, told=told, close=(closing.transaction_hash, closing.block))
        repaid = f"{SERVICE}:wallet:{origin.account}" if origin.family == Family.STARKNET else OUTSIDE
        self._posts.closed(tx, closed, origin.asset, repaid)
        return Done({"state": str(closed.state), "block": closing.block})

    def _give_back(self, tx: Transaction, order: StoredOrder, origin: Origin, refund: Refund) -> None:
        """Once, whichever order of its message closes first."""
        if not self._orders.add_refund(tx, order, refund) or origin.refund_account is None:
            return
        hash_ = hexadecimal(refund.transaction_hash)
        key = f"bridge:{origin.name}:refund:{hash_}"
        receipt = Receipt(
            key=key,
            event=f"{origin.chain}:{hash_}:refund",
            chain=origin.chain,
            wallet=origin.refund_account,
            amount=refund.amount_wei,
            block=refund.block,
            transaction_id=hash_,
            forward_to=None,
        )
        self._treasury.receive(tx, receipt)
        self._posts.refunded(tx, key, refund.amount_wei, origin.asset)

    def _wait(self, tx: Transaction, order: StoredOrder, depth: Depth | None) -> Outcome:
        waited = self._clock.now() - order.moved_at
        if depth is None:
            vanished(tx, self._orders, self._posts, order)
        elif order.gone_at is not None and (depth.confirmations > 0 or depth.finalized):
            order = returned(tx, self._orders, self._posts, order)
        # An escrow that has repaid the order says so only once that is final.
        finality = timedelta(seconds=2 * self._origins[order.key.origin].finality_s)
        if order.state == State.PROVED and waited > self._timeout + finality:
            fulfilled = self._orders.move(tx, order, Event.RECLAIM, reason=MESSAGE_LOST)
            self._orders.fail(tx, fulfilled, MESSAGE_LOST, "the escrow has not closed the order in time")
            return Done({"state": str(fulfilled.state), "reason": MESSAGE_LOST})
        pause_s = max(self._every_s, waited.total_seconds() / 20)
        return Retry(min(PAUSE_MAX_S, pause_s), "the escrow waits")

    def _wallet(self, origin: Origin, account: str) -> WalletRecord | None:
        """A wallet that the origin pays to, where the treasury keeps it."""
        try:
            return self._treasury.wallet(origin.chain, account)
        except WalletUnknown:
            if origin.family != Family.STARKNET:
                logger.warning("A wallet that an escrow repays is not declared.", extra={"chain": origin.chain})
            return None


def _is_booked(wallet: WalletRecord | None, block: int) -> bool:
    """Whether the wallet's books are kept, and began before this block."""
    return wallet is not None and wallet.opened_block is not None and block > wallet.opened_block


def _receipt(order: StoredOrder, origin: Origin, closing: Closing) -> Receipt:
    """The repayment, as the treasury books it: amount and fee."""
    hash_ = hexadecimal(closing.transaction_hash)
    return Receipt(
        key=order.business_key("repaid"),
        event=f"{origin.chain}:{hash_}:{order.key.order_id}",
        chain=origin.chain,
        wallet=origin.account,
        amount=order.deposit.amount_wei + order.deposit.fee_wei,
        block=closing.block,
        transaction_id=hash_,
        forward_to=None,
    )
