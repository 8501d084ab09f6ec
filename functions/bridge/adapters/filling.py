"""Records payments: whatever the decision rested on is looked at once more, then one commit makes it certain.

That commit holds the order's state, the postings that take the money out of the wallet, the leased nonce, the unsigned
payment and its task. Nothing was sent before it, and after it the outbox sends it once, whoever dies.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from functions.bridge.adapters.looking import Sight, Unread, already_paid, doubt_of, sight_of
from functions.bridge.adapters.market import payment_of
from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.registry import Registry
from functions.bridge.adapters.steps import SERVICE, SUBMIT, OrderStep
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.estimates import with_headroom
from functions.bridge.core.fees import gas_price_max_wei
from functions.bridge.core.order import Event, State
from functions.bridge.core.policy import Limits
from functions.bridge.core.registry import transfer_call
from kernel.clock import Clock
from kernel.errors import Transient
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.treasury import ServiceHalted
from kernel.treasury.movements import Call, Kind
from kernel.treasury.movements import Order as Movement
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

AWAY_S: Final = 2.0
UNDECIDED_S: Final = 10.0
#: How long a payment that the treasury refuses waits for its next decision: longer each time that it has come back.
REFUSED_S: Final = 30.0
REFUSED_MAX_S: Final = 300.0
#: Over the simulated gas: the recipient's code may find another state than the simulation did.
GAS_HEADROOM_BPS: Final = 2_500
_DECIDED: Final = (State.PROCESSING,)


class Filling:
    """Payments of orders that are decided."""

    def __init__(
        self,
        orders: Orders,
        posts: Posts,
        origins: Mapping[str, Origin],
        registry: Registry,
        treasury: Treasury,
        clock: Clock,
        *,
        l1_chain: str,
        signer: str,
        decision_s: float,
    ) -> None:
        self._orders, self._posts, self._origins = orders, posts, origins
        self._registry, self._treasury, self._clock = registry, treasury, clock
        self._l1_chain, self._signer = l1_chain, signer
        self._decided_within = timedelta(seconds=decision_s)

    def look(self, order: StoredOrder) -> Sight | Unread:
        """Read the deposit and the registry once more."""
        if order.state != State.PROCESSING:
            return Unread(f"it is {order.state}", over=True)
        origin = self._origins.get(order.key.origin)
        if origin is None:
            return Unread("its origin is not configured")
        try:
            return sight_of(order.deposit, origin, self._registry)
        except Transient as away:
            return Unread(f"a chain cannot be read: {away.code}")

    def take(self, step: OrderStep, sight: Sight | Unread, limits: Limits, *, fence: Fence) -> Outcome:
        """Record the payment, or go back to the decision. What the treasury refuses undoes all of it."""
        if isinstance(sight, Unread):
            return Skipped(sight.reason) if sight.over else Retry(AWAY_S, sight.reason)
        try:
            return self._orders.take(
                step, _DECIDED, lambda tx, order: self._take(tx, order, sight, limits), fence=fence
            )
        except (Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown) as refused:
            code = refused.code
        return self._orders.take(
            step,
            _DECIDED,
            lambda tx, order: self._back(tx, order, code, after_s=min(REFUSED_MAX_S, REFUSED_S * order.round)),
            fence=fence,
        )

    def _take(self, tx: Transaction, order: StoredOrder, sight: Sight, limits: Limits) -> Outcome:
        if order.deposit != sight.deposit:
            return self._back(tx, order, "deposit_changed")
        if sight.paid is not None:
            if not sight.paid.is_final:
                return Retry(UNDECIDED_S, "a payment of it is not final")
            found = already_paid(tx, self._orders, self._posts, order, sight.paid, signer=self._signer)
            return Done({"state": str(found.state)})
        doubt = self._doubt(order, sight)
        if doubt is not None:
            return self._back(tx, order, doubt)
        return self._record(tx, order, limits)

    def _doubt(self, order: StoredOrder, sight: Sight) -> str | None:
        """Why the decision holds no longer; None where it does."""
        if order.decided_at is None or self._clock.now() - order.decided_at > self._decided_within:
            return "decision_too_old"
        return doubt_of(order, sight, self._origins[order.key.origin])

    def _record(self, tx: Transaction, order: StoredOrder, limits: Limits) -> Outcome:
        payment = payment_of(order.deposit, self._origins[order.key.origin])
        if payment is None:
            raise ValueError("a recipient that is no address was decided to be paid")
        gas = min(limits.transfer_gas_max, int(order.inputs["market"]["transfer_gas"]))
        gas_limit = with_headroom(gas, GAS_HEADROOM_BPS)
        call = Call(
            data=transfer_call(self._registry.version, payment),
            gas_limit=gas_limit,
            gas_price_max_wei=gas_price_max_wei(order.deposit.fee_wei, gas_limit),
            submit_kind=SUBMIT,
            service=SERVICE,
        )
        key = order.business_key("fill", order.round)
        moved = self._orders.move(tx, order, Event.TRANSFER, told={"transfer": key, "gas_limit": call.gas_limit})
        self._orders.share_transfer(tx, key, "fill", [moved])
        # Last, because every other payment waits for the nonce until the commit.
        self._treasury.transfer(
            tx,
            Movement(
                key=key,
                chain=self._l1_chain,
                sender=self._signer,
                recipient=self._registry.address,
                amount=order.deposit.amount_wei,
                actor=SERVICE,
                reason="fills an order",
                kind=Kind.CALL,
                call=call,
            ),
        )
        return Done({"state": str(moved.state), "transfer": key})

    def _back(self, tx: Transaction, order: StoredOrder, reason: str, *, after_s: float = 0) -> Outcome:
        """Decide again."""
        pending = self._orders.move(tx, order, Event.DEFER, reason=reason)
        self._orders.enqueue_decision(tx, pending, self._clock.now() + timedelta(seconds=after_s))
        return Done({"state": str(pending.state), "reason": reason})
