"""Decides about orders: the world is read outside any transaction, what we have promised inside the one that promises.

One decision at a time sees the exposure and adds to it, so no two together exceed a limit that each keeps alone.

A decision that grew old while its fill waited is renewed in place: sent back to the queue it would grow old there
again, as long as the queue is longer than decisions live.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from functions.bridge.adapters.looking import Sight, Unread, already_paid, sight_of
from functions.bridge.adapters.market import Ether, market
from functions.bridge.adapters.orders import REORGANISED, Orders
from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.registry import Paid, Registry
from functions.bridge.adapters.steps import SERVICE, OrderStep
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import Deposit, Event, State
from functions.bridge.core.policy import (
    SIMULATED,
    Decision,
    Defer,
    Drop,
    Fill,
    Finality,
    Inventory,
    Limits,
    Market,
    decide,
    doubted,
    patient,
)
from functions.bridge.core.retry import growing_s
from kernel.clock import Clock
from kernel.errors import Transient
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.treasury import KillSwitch, ServiceHalted

AWAY_S: Final = 5.0
#: A payment that somebody made is looked at again until it is final.
UNDECIDED_S: Final = 10.0
#: How soon an order that came back from a halted service is looked at, at first.
HALTED_S: Final = 30.0
#: How long at least a deposit that is not found is looked for.
MISSING_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The world as it was read for an order that is there, and that nobody has paid."""

    deposit: Deposit
    depth: Depth
    market: Market


class Deciding:
    """Decisions about orders to which nothing is promised."""

    def __init__(
        self,
        postgres: Postgres,
        orders: Orders,
        posts: Posts,
        origins: Mapping[str, Origin],
        registry: Registry,
        ether: Ether,
        switch: KillSwitch,
        clock: Clock,
        *,
        signer: str,
        renew_s: float,
    ) -> None:
        """renew_s: how old a decision may be before it is renewed."""
        self._postgres, self._orders, self._posts, self._origins = postgres, orders, posts, origins
        self._registry, self._ether, self._switch, self._clock = registry, ether, switch, clock
        self._signer = signer
        self._renewed_after = timedelta(seconds=renew_s)

    def look(self, step: OrderStep) -> Facts | Sight | Unread:
        """Read the chains and the price for an order that waits for a decision; no more than it takes."""
        glance = self._postgres.glance
        order = self._orders.order(glance, step.key, step.generation)
        is_halted = order.reason == ServiceHalted.code and self._switch.standing(glance, SERVICE) is not None
        if order.state != State.PENDING:
            return Unread(f"it is {order.state}", over=True)
        if is_halted:  # A decision to fill it would only come back once more.
            waited_s = (self._clock.now() - order.moved_at).total_seconds()
            return Unread("the service is halted", again_s=growing_s(HALTED_S, waited_s))
        return self._read(order)

    def _read(self, order: StoredOrder) -> Facts | Sight | Unread:
        origin = self._origins.get(order.key.origin)
        if origin is None:
            return Unread("its origin is not configured")
        deposit, now = order.deposit, self._clock.now()
        try:
            sight = sight_of(deposit, origin, self._registry)
            if sight.depth is None or sight.paid is not None:
                return sight
            read = market(deposit, origin, self._registry, self._ether, now, payer=self._signer)
            if read.transfer_gas is None:  # The registry refuses, too, what somebody has paid since.
                again = sight_of(deposit, origin, self._registry)
                if again.paid is not None:
                    return again
        except Transient as away:
            return Unread(f"a chain cannot be read: {away.code}")
        return Facts(deposit=deposit, depth=sight.depth, market=read)

    def take(self, step: OrderStep, facts: Facts | Sight | Unread, limits: Limits, *, fence: Fence) -> Outcome:
        """Decide, and keep the decision with its inputs and what follows from it."""
        if isinstance(facts, Unread):
            return Skipped(facts.reason) if facts.over else Retry(facts.again_s or AWAY_S, facts.reason)

        def act(tx: Transaction, order: StoredOrder) -> Outcome:
            if order.deposit != facts.deposit:
                return Retry(0, "it is another deposit now")
            if isinstance(facts, Facts):
                return self._decide(tx, self._orders.found(tx, order), facts, limits)
            return self._missing(tx, order) if facts.paid is None else self._paid(tx, order, facts.paid)

        return self._orders.take(step, (State.PENDING,), act, fence=fence)

    def renewed(self, step: OrderStep, limits: Limits, *, fence: Fence) -> StoredOrder:
        """The order, its decision made anew if it is to be filled by an old one; it may go back to be decided later.

        Where the facts say something else than prices, or cannot be read, whoever fills it sees that, too.
        """
        order = self._orders.order(self._postgres.glance, step.key, step.generation)
        is_old = order.decided_at is None or self._clock.now() - order.decided_at > self._renewed_after
        facts = self._read(order) if order.state == State.PROCESSING and is_old else None
        if not isinstance(facts, Facts):
            return order

        def act(tx: Transaction, order: StoredOrder) -> Outcome:
            if order.deposit == facts.deposit:
                self._renew(tx, order, facts, limits)
            return Retry(0, "its decision is renewed")

        self._orders.take(step, (State.PROCESSING,), act, fence=fence)
        return self._orders.order(self._postgres.glance, step.key, step.generation)

    def _renew(self, tx: Transaction, order: StoredOrder, facts: Facts, limits: Limits) -> None:
        decision, kept = self._judge(tx, order, facts, limits)
        order = self._orders.decided(tx, order, kept, reason=_reason(decision))
        if not isinstance(decision, Fill):
            pending = self._orders.move(tx, order, Event.DEFER, reason=str(decision.reason))
            self._orders.enqueue_decision(tx, pending, self._clock.now())

    def _paid(self, tx: Transaction, order: StoredOrder, paid: Paid) -> Outcome:
        if not paid.is_final:
            return Retry(UNDECIDED_S, "a payment of it is not final")
        return Done(_result(already_paid(tx, self._orders, self._posts, order, paid, signer=self._signer)))

    def _missing(self, tx: Transaction, order: StoredOrder) -> Outcome:
        """No quorum finds it. A retraction forgets it at once; without one it is looked for a while."""
        gone, origin = self._orders.gone(tx, order), self._origins[order.key.origin]
        since_s = (self._clock.now() - (gone.gone_at or self._clock.now())).total_seconds()
        if since_s < 2 * origin.finality_s + MISSING_S:
            return Retry(max(1.0, origin.block_s, since_s / 10), "the deposit is not on its chain")
        forgotten = self._orders.move(tx, gone, Event.FORGET, reason=REORGANISED)
        return Done(_result(forgotten))

    def _judge(
        self, tx: Transaction, order: StoredOrder, facts: Facts, limits: Limits
    ) -> tuple[Decision, dict[str, Any]]:
        """The decision, and what is to be kept of it."""
        origin = self._origins[order.key.origin]
        finality = Finality(depth=facts.depth, table=origin.table, block_s=origin.block_s, finality_s=origin.finality_s)
        inventory = self._inventory(tx, order)
        decision = decide(order, facts.market, limits, inventory, finality)
        decision = doubted(decision, facts.market, limits, refused_block=_refused_block(order))
        decision = patient(decision, facts.market.now, order.moved_at)
        return decision, _kept(order, decision, facts, limits, inventory)

    def _decide(self, tx: Transaction, order: StoredOrder, facts: Facts, limits: Limits) -> Outcome:
        decision, kept = self._judge(tx, order, facts, limits)
        if isinstance(decision, Fill):
            self._orders.enqueue_fill(tx, order)  # First: messages go out in this order, and nobody waits for news.
            return Done(_result(self._orders.move(tx, order, Event.ACCEPT, decision=kept)))
        order = self._orders.decided(tx, order, kept, reason=_reason(decision))
        match decision:
            case Drop():
                return Done(_result(self._orders.move(tx, order, Event.DROP, reason=str(decision.reason))))
            case Defer():
                return Retry(_seconds_until(decision.until, self._clock.now()), str(decision.reason))

    def _inventory(self, tx: Transaction, order: StoredOrder) -> Inventory:
        deposit = order.deposit
        chain = self._posts.l1_chain
        exposure = self._orders.exposure(tx, deposit.key.origin, deposit.recipient, chain, lock=True)
        # An order whose decision is renewed is among what is promised already.
        amount, fee = (deposit.amount_wei, deposit.fee_wei) if order.state == State.PROCESSING else (0, 0)
        return Inventory(
            available_wei=self._posts.spendable_wei(tx, self._signer) - (exposure.promised_wei - amount - fee),
            recipient_open_wei=exposure.recipient_open_wei - amount,
            origin_open_wei=exposure.origin_open_wei - amount,
            is_recipient_ours=exposure.is_recipient_ours,
        )


def _kept(order: StoredOrder, decision: Decision, facts: Facts, limits: Limits, inventory: Inventory) -> dict[str, Any]:
    """A decision as it is stored; amounts as text, because JSON's numbers end sooner than ours."""
    value = facts.market.value_usd_cents(order.deposit.amount_wei)
    return {
        "outcome": type(decision).__name__.lower(),
        **_texts(asdict(decision)),
        "inputs": {
            "value_usd_cents": _text(value),
            "market": _texts(asdict(facts.market)),
            "limits": _texts(asdict(limits)),
            "inventory": _texts(asdict(inventory)),
            "depth": asdict(facts.depth),
        },
    }


def _reason(decision: Decision) -> str | None:
    return None if isinstance(decision, Fill) else str(decision.reason)


def _refused_block(order: StoredOrder) -> int | None:
    """The block of Ethereum at which the decision before saw the payment refused, if it did."""
    if order.reason not in SIMULATED:
        return None
    return int(order.inputs["market"].get("simulated_block", 0))


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _seconds_until(moment: datetime, now: datetime) -> float:
    return max(0.0, (moment - now) / timedelta(seconds=1))


def _result(order: StoredOrder) -> dict[str, str | None]:
    return {"state": str(order.state), "reason": order.reason}
