"""Records claims of what was paid: gathered for a while, in batches where one call for several is cheaper.

Each claim is one commit of its own: the orders' states, the postings, the leased nonce, the unsigned call and its task.
An order whose claim failed is claimed alone, after the escrow was asked whether it needs one at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.bridge.adapters.market import payment_of
from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.origin import ClaimCall, ClaimRefused, Origin
from functions.bridge.adapters.registry import Registry
from functions.bridge.adapters.steps import SERVICE, SUBMIT, ClaimSlot
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.batching import ClaimCost, is_cheaper, together
from functions.bridge.core.books import share
from functions.bridge.core.order import Event
from functions.bridge.core.registry import Payment
from kernel.errors import Transient
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Postgres
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.treasury import ServiceHalted
from kernel.treasury.movements import Call, Kind
from kernel.treasury.movements import Order as Movement
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

#: So many orders are looked at in one turn.
TURN_MAX: Final = 50
AWAY_S: Final = 10.0
REFUSED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders and the call that claims them."""

    origin: Origin
    orders: tuple[StoredOrder, ...]
    call: ClaimCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What one turn found. closed: orders that their escrow has closed already. has_more: another turn is due."""

    batches: tuple[Batch, ...] = ()
    closed: tuple[StoredOrder, ...] = ()
    refused: tuple[tuple[StoredOrder, str, str], ...] = ()
    has_more: bool = False
    away: str | None = None


class Claiming:
    """Claims of fulfilled orders."""

    def __init__(
        self,
        postgres: Postgres,
        orders: Orders,
        origins: Mapping[str, Origin],
        registry: Registry,
        treasury: Treasury,
        *,
        l1_chain: str,
        signer: str,
    ) -> None:
        self._postgres, self._orders, self._origins = postgres, orders, origins
        self._registry, self._treasury = registry, treasury
        self._l1_chain, self._signer = l1_chain, signer

    def look(self, slot: ClaimSlot) -> Claims:
        """Find what is claimable, and ask the chains what claiming it takes."""
        with self._postgres.transaction() as tx:
            orders = self._orders.claimable(tx, slot.origin, TURN_MAX)
        origin = self._origins.get(slot.origin)
        if origin is None:
            return Claims(away="its origin is not configured") if orders else Claims()
        try:
            return self._ask(origin, orders)
        except Transient as away:
            return Claims(away=f"a chain cannot be read: {away.code}")

    def take(self, claims: Claims, *, fence: Fence) -> Outcome:
        """Record the claims, each in a commit of its own. What the treasury refuses is claimed later."""
        if claims.away is not None:
            return Retry(AWAY_S, claims.away)
        self._note(claims, fence)
        for batch in claims.batches:
            try:
                if not self._record(batch, fence):
                    return Retry(1.0, "the orders changed meanwhile")
            except (Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown) as refused:
                return Retry(REFUSED_S, refused.message)
        if claims.has_more:
            return Retry(0.0, "there are more")
        counted = sum(len(batch.orders) for batch in claims.batches)
        return Done({"orders": counted, "claims": len(claims.batches)}) if counted else Skipped("nothing is claimable")

    def _ask(self, origin: Origin, orders: Sequence[StoredOrder]) -> Claims:
        failed = [order for order in orders if order.is_failed or order.claims > 0]
        fresh = [order for order in orders if order not in failed]
        closed = [order for order in failed if origin.closed(order.deposit) is not None]
        failed = [order for order in failed if order not in closed]
        batches: list[Batch] = []
        refused: list[tuple[StoredOrder, str, str]] = []
        for group in together(self._registry.version, fresh, failed):
            for one in self._cheapest(origin, group):
                if isinstance(one, Batch):
                    batches.append(one)
                else:
                    refused.append(one)
        return Claims(
            batches=tuple(batches),
            closed=tuple(closed),
            refused=tuple(refused),
            has_more=len(orders) == TURN_MAX,
        )

    def _cheapest(self, origin: Origin, group: Sequence[StoredOrder]) -> list[Batch | tuple[StoredOrder, str, str]]:
        """One claim of the group, or one for each of it, so that what is wrong with one does not hold up the others."""
        if len(group) > 1:
            batch, single = self._claim(origin, group), self._claim(origin, group[:1])
            gas_price_wei = self._registry.gas_price_wei()
            if (
                isinstance(batch, Batch)
                and isinstance(single, Batch)
                and is_cheaper(_cost(batch), _cost(single), len(group), gas_price_wei)
            ):
                return [batch]
        return [self._claim(origin, [order]) for order in group]

    def _claim(self, origin: Origin, orders: Sequence[StoredOrder]) -> Batch | tuple[StoredOrder, str, str]:
        payments = [self._payment(order, origin) for order in orders]
        try:
            return Batch(origin, tuple(orders), origin.claim(self._registry.version, payments))
        except ClaimRefused as refused:
            return orders[0], refused.code, refused.message

    def _payment(self, order: StoredOrder, origin: Origin) -> Payment:
        payment = payment_of(order.deposit, origin)
        if payment is None:
            raise ValueError("an order that was paid has an address")
        return payment

    def _note(self, claims: Claims, fence: Fence) -> None:
        """Orders that need no claim go on to their end; a refused claim is a failure of its order."""
        if not claims.closed and not claims.refused:
            return
        with self._postgres.transaction(holding=fence) as tx:
            for order in self._orders.lock_claimable(tx, claims.closed) if claims.closed else ():
                self._orders.wake_closing(tx, order)
            why = {order.row["order_id"]: (code, message) for order, code, message in claims.refused}
            refused = [order for order, _, _ in claims.refused]
            for order in self._orders.lock_claimable(tx, refused) if refused else ():
                self._orders.fail(tx, order, *why[order.row["order_id"]])

    def _record(self, batch: Batch, fence: Fence) -> bool:
        """Whether the claim is recorded: not if one of its orders is not claimable any more."""
        with self._postgres.transaction(holding=fence) as tx:
            orders = self._orders.lock_claimable(tx, batch.orders)
            if [order.deposit for order in orders] != [order.deposit for order in batch.orders]:
                return False
            key = orders[0].business_key("claim", orders[0].claims + 1)
            told = {"transfer": key, "orders": len(orders), "message_wei": str(batch.call.value_wei)}
            moved = [self._orders.move(tx, order, Event.CLAIM, told=told) for order in orders]
            self._orders.share_transfer(tx, key, "claim", moved)
            self._treasury.expect(tx, batch.origin.chain, batch.origin.account, _repayments(moved, batch.call))
            self._treasury.transfer(tx, self._movement(key, batch.call))
        return True

    def _movement(self, key: str, claim: ClaimCall) -> Movement:
        call = Call(data=claim.data, gas_limit=claim.gas_limit, submit_kind=SUBMIT, service=SERVICE)
        return Movement(
            key=key,
            chain=self._l1_chain,
            sender=self._signer,
            recipient=self._registry.address,
            amount=claim.value_wei,
            actor=SERVICE,
            reason="claims what was paid",
            kind=Kind.CALL,
            call=call,
        )


def _repayments(orders: Sequence[StoredOrder], call: ClaimCall) -> dict[str, int]:
    """What each order can bring at most: amount and fee, and its part of what the message leaves of its own."""
    return {
        order.business_key("repaid"): order.deposit.amount_wei
        + order.deposit.fee_wei
        + share(call.value_wei, ordinal, len(orders))
        for ordinal, order in enumerate(orders)
    }


def _cost(batch: Batch) -> ClaimCost:
    return ClaimCost(gas=batch.call.gas_limit, value_wei=batch.call.value_wei)
