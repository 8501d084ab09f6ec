"""Orders in Postgres: every read and every write of their tables, in the caller's transaction.

An order that is to be changed is locked first; a move names the state that it leaves, and each leaves a row of history.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.bridge.adapters.news import Tell, nobody
from functions.bridge.adapters.origin import Refund
from functions.bridge.adapters.steps import CLOSE, DECIDE, FILL, OrderStep, claims, step
from functions.bridge.adapters.stored import StoredOrder, stored
from functions.bridge.core.order import Deposit, Event, OrderKey, OrderTransitionRefused, State, after
from functions.bridge.core.retry import next_attempt_at
from kernel.clock import Clock
from kernel.correlation import current
from kernel.errors import NotFound
from kernel.postgres import Fence, Queries, Statements, Transaction
from kernel.postgres.text import storable
from kernel.tasks import Done, Outcome, Skipped, Tasks

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
Act = Callable[[Transaction, StoredOrder], Outcome]
#: An order that nobody has moved for so long, and that no task is about, is looked after.
STRANDED: Final = timedelta(minutes=15)
MESSAGE_LENGTH_MAX: Final = 1_000
#: Why an order was forgotten.
REORGANISED: Final = "reorganised"
#: What ends a row of failures. A claim that is final does not: its message may be lost again and again.
_SUCCESSES: Final = frozenset((Event.PAY, Event.FIND, Event.CLOSE, Event.REAPPEAR))


class OrderUnknown(NotFound):
    """There is no such order."""

    cause = "The origin or the id is misspelt, or the event that sets the order was not read yet."
    remedy = "Take origin and id from GET /v1/bridge/orders."
    example = '{"origin": "zksync", "order_id": "17"}'


class Indexed(StrEnum):
    """What a deposit that was read turned out to be."""

    NEW = "new"
    KNOWN = "known"
    MOVED = "moved"  # known; its block or its fee is another now
    REAPPEARED = "reappeared"  # it was forgotten, or its id belonged to a deposit that is gone
    NEXT_GENERATION = "next_generation"  # its id belongs to a deposit that we have paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Wei that are promised and in no books yet; that are out for a recipient; that are out for an origin."""

    promised_wei: int
    recipient_open_wei: int
    origin_open_wei: int
    is_recipient_ours: bool


class Orders:
    """The tables of orders."""

    def __init__(self, tasks: Tasks, clock: Clock, *, claim_every_s: int, tell: Tell = nobody) -> None:
        """tell: called in the transaction of each step that is taken."""
        self._tasks, self._clock, self._claim_every_s, self._tell = tasks, clock, claim_every_s, tell

    # Reading.

    def order(self, tx: Statements, key: OrderKey, generation: int, *, lock: bool = False) -> StoredOrder:
        """One order, held until the commit if asked for. Raises OrderUnknown."""
        named = {"origin": key.origin, "order_id": key.order_id, "generation": generation}
        row = tx.maybe(Q["lock_order"] if lock else Q["order"], **named)
        if row is None:
            raise OrderUnknown(origin=key.origin, order_id=str(key.order_id))
        return stored(row)

    def generations(self, tx: Transaction, key: OrderKey) -> list[StoredOrder]:
        """Every deposit that an id ever was, held until the commit; alone with the id, known or not."""
        named = {"origin": key.origin, "order_id": key.order_id}
        tx.execute(Q["lock_order_id"], origin=key.origin, order_id=str(key.order_id))
        return [stored(row) for row in tx.all(Q["generations"], **named)]

    # Indexing.

    def index(self, tx: Transaction, deposit: Deposit) -> tuple[StoredOrder, Indexed]:
        """Take in a deposit that a quorum has found on its chain; its decision is asked for where one is due."""
        known = self.generations(tx, deposit.key)
        same = next((order for order in known if _is_same(order.deposit, deposit)), None)
        if same is not None:
            return self._again(tx, same, deposit)
        newest = known[-1] if known else None
        if newest is None:
            return self._insert(tx, deposit, 1), Indexed.NEW
        if newest.state in (State.PENDING, State.PROCESSING):
            newest = self.move(tx, newest, Event.FORGET, reason=REORGANISED)
        if newest.state == State.DROPPED:
            return self._reappear(tx, newest, deposit), Indexed.REAPPEARED
        return self._insert(tx, deposit, newest.generation + 1), Indexed.NEXT_GENERATION

    def _again(self, tx: Transaction, order: StoredOrder, deposit: Deposit) -> tuple[StoredOrder, Indexed]:
        is_other_fee = order.deposit.fee_wei != deposit.fee_wei
        if order.state == State.DROPPED:
            if order.reason == REORGANISED or is_other_fee:
                return self._reappear(tx, order, deposit), Indexed.REAPPEARED
            return order, Indexed.KNOWN
        if order.state == State.COMPLETED or (order.deposit == deposit and order.gone_at is None):
            return order, Indexed.KNOWN
        if is_other_fee and order.state == State.PROCESSING:
            order = self.move(tx, order, Event.DEFER, reason="fee_changed")
            self.enqueue_decision(tx, order, self._clock.now())
        return self._store_contents(tx, order, deposit), Indexed.MOVED

    def _insert(self, tx: Transaction, deposit: Deposit, generation: int) -> StoredOrder:
        now = self._clock.now()
        details = {"details": Jsonb(_told(deposit)), "correlation_id": current()}
        order = stored(tx.one(Q["insert_order"], **_contents(deposit), **details, generation=generation, now=now))
        self._tell(tx, order, "index")
        self.enqueue_decision(tx, order, now)
        return order

    def _reappear(self, tx: Transaction, order: StoredOrder, deposit: Deposit) -> StoredOrder:
        moved = self.move(tx, order, Event.REAPPEAR, told=_told(deposit))
        moved = self._store_contents(tx, moved, deposit, seen_at=self._clock.now())
        self.enqueue_decision(tx, moved, self._clock.now())
        return moved

    def _store_contents(
        self, tx: Transaction, order: StoredOrder, deposit: Deposit, *, seen_at: datetime | None = None
    ) -> StoredOrder:
        told = _contents(deposit) | order.row
        return self._row(tx, order, "store_contents", **told, seen_at=seen_at or order.seen_at)

    # Moving.

    def move(
        self,
        tx: Transaction,
        order: StoredOrder,
        event: Event,
        *,
        reason: str | None = None,
        told: Mapping[str, Any] | None = None,
        decision: Mapping[str, Any] | None = None,
        fill: tuple[bytes, int] | None = None,
        close: tuple[bytes, int] | None = None,
    ) -> StoredOrder:
        """The order after the event; `told` goes into its history. Raises OrderTransitionRefused.

        decision: what it is moved by, to be kept as `decided` does.
        fill, close: hash and block of the transaction that paid, and of the one that repaid.
        """
        following = after(order.state, event)
        columns = {
            "state": following,
            "state_left": order.state,
            "event": event,
            "reason": reason,
            "begins_round": following == State.PENDING,
            "ends_failures": event in _SUCCESSES,
            "fill_hash": fill and fill[0],
            "fill_block": fill and fill[1],
            "close_hash": close and close[0],
            "close_block": close and close[1],
            "decision": decision and Jsonb(decision),
            "details": Jsonb({**(told or {}), **({"reason": reason} if reason else {})}),
            "correlation_id": current(),
        }
        row = tx.maybe(Q["move_order"], **order.row, **columns, now=self._clock.now())
        if row is None:
            raise OrderTransitionRefused(state=order.state, event=event, order=order.business_key(event))
        moved = stored(row)
        self._tell(tx, moved, str(event))
        return moved

    def decided(
        self, tx: Transaction, order: StoredOrder, decision: Mapping[str, Any], *, reason: str | None
    ) -> StoredOrder:
        """Keep the newest decision with its inputs; a new reason to wait is a row of history."""
        if reason is not None and reason != order.reason:
            self._remember(tx, order, Event.DEFER, order.state, {"reason": reason})
        return self._row(tx, order, "store_decision", decision=Jsonb(decision), reason=reason)

    def fail(self, tx: Transaction, order: StoredOrder, code: str, message: str) -> StoredOrder:
        """Note that a step failed: an error of the order, and when it is tried again, or that a person is wanted."""
        now, attempts = self._clock.now(), order.attempts + 1
        again = next_attempt_at(now, attempts)
        told = {"code": code, "message": storable(message, MESSAGE_LENGTH_MAX), "correlation_id": current()}
        tx.execute(Q["add_error"], **order.row, state=order.state, **told, now=now)
        return self._row(tx, order, "fail_order", attempts=attempts, is_parked=again is None, next_attempt_at=again)

    def release(self, tx: Transaction, order: StoredOrder, actor: str) -> StoredOrder | None:
        """Let a parked order go on, because a person says so; None where it is not parked."""
        row = tx.maybe(Q["release_order"], **order.row, now=self._clock.now())
        if row is None:
            return None
        self._remember(tx, order, "release", order.state, {"actor": actor})
        return stored(row)

    # Reorganisations of the origin.

    def gone(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """The deposit is not found on its chain."""
        return self._row(tx, order, "mark_gone")

    def found(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """It is found there."""
        return self._row(tx, order, "mark_found") if order.gone_at is not None else order

    def lost(self, tx: Transaction, order: StoredOrder, *, is_lost: bool) -> StoredOrder:
        """What is owed for it was posted as lost, or was taken back from there, in this transaction."""
        marked = self._row(tx, order, "mark_lost", is_lost=is_lost)
        self._remember(tx, marked, "lose" if is_lost else "recover", order.state, {"losses": marked.losses})
        return marked

    # What is out.

    def exposure(self, tx: Transaction, origin: str, recipient: int, l1_chain: str, *, lock: bool = False) -> Exposure:
        """What is out as it concerns an order of this origin for this recipient.

        lock: alone until the commit, for whoever is about to promise more.
        """
        if lock:
            tx.execute(Q["lock_exposure"])
        named = {"origin": origin, "recipient": recipient, "chain": l1_chain, "address": f"0x{recipient:040x}"}
        row = tx.one(Q["exposure"], **named)
        return Exposure(
            promised_wei=int(row["promised_wei"]),
            recipient_open_wei=int(row["recipient_open_wei"]),
            origin_open_wei=int(row["origin_open_wei"]),
            is_recipient_ours=row["is_recipient_ours"],
        )

    # Claims.

    def claimable(self, tx: Transaction, origin: str, limit: int) -> list[StoredOrder]:
        """What may be claimed of an origin now, the oldest first; nothing is held."""
        rows = tx.all(Q["claimable"], origin=origin, now=self._clock.now(), limit=limit)
        return [stored(row) for row in rows]

    def lock_claimable(self, tx: Transaction, orders: Sequence[StoredOrder]) -> list[StoredOrder]:
        """Those of these orders, of one origin, that are claimable still and that nobody else holds."""
        ids = [order.key.order_id for order in orders]
        generations = [order.generation for order in orders]
        rows = tx.all(Q["lock_claimable"], origin=orders[0].key.origin, ids=ids, generations=generations)
        return [stored(row) for row in rows]

    def share_transfer(self, tx: Transaction, transfer: str, purpose: str, orders: Sequence[StoredOrder]) -> None:
        """Keep which orders one of our transactions is for."""
        parts = {"transfer": transfer, "purpose": purpose, "parts": len(orders)}
        tx.many(Q["add_transfer_part"], [{**parts, **order.row, "ordinal": n} for n, order in enumerate(orders)])

    def of_transfer(self, tx: Transaction, transfer: str) -> tuple[str, list[StoredOrder]] | None:
        """What one of our transactions is for, "fill" or "claim", and its orders, held; None for any other."""
        rows = tx.all(Q["orders_of_transfer"], transfer=transfer)
        return (rows[0]["purpose"], [stored(row) for row in rows]) if rows else None

    def paid_by(self, tx: Transaction, entry_id: UUID) -> StoredOrder | None:
        """The order whose payment one of our transactions is; None for any other. Nothing is held."""
        row = tx.maybe(Q["order_paid_by"], entry_id=entry_id)
        return None if row is None else stored(row)

    def add_refund(self, tx: Transaction, order: StoredOrder, refund: Refund) -> bool:
        """Keep what a message of this order has left of its fee; False where it is kept already."""
        told = {"transaction_hash": refund.transaction_hash, "block": refund.block, "amount_wei": refund.amount_wei}
        return bool(tx.execute(Q["add_refund"], **order.row, **told, now=self._clock.now()))

    # Tasks.

    def take(self, step: OrderStep, states: Container[State], act: Act, *, fence: Fence) -> Outcome:
        """Act on an order in one of these states, in a commit that ends its task, too, once all is done.

        Raises LeaseLost, OrderUnknown, and what `act` raises, which undoes all of it.
        """
        named = {"origin": step.key.origin, "order_id": step.key.order_id, "generation": step.generation}
        with self._tasks.postgres.transaction(holding=fence, first=(Q["lock_order"], named)) as tx:
            if not tx.opened:
                raise OrderUnknown(origin=step.key.origin, order_id=str(step.key.order_id))
            order = stored(tx.opened[0])
            if order.state not in states:
                return Skipped(f"it is {order.state}")
            outcome = act(tx, order)
            if isinstance(outcome, Done):
                self._tasks.complete(tx, fence, outcome.result)
        return outcome

    def enqueue_decision(self, tx: Transaction, order: StoredOrder, at: datetime, *, wakes: int = 0) -> None:
        """Ask for the decision of the present round."""
        named = (order.key, order.generation)
        self._tasks.enqueue([step(DECIDE, *named, number=order.round, wakes=wakes, run_at=at)], tx)

    def enqueue_fill(self, tx: Transaction, order: StoredOrder, *, wakes: int = 0) -> None:
        """Ask for the payment of the present round."""
        named = (order.key, order.generation)
        self._tasks.enqueue([step(FILL, *named, number=order.round, wakes=wakes, run_at=self._clock.now())], tx)

    def enqueue_claims(self, tx: Transaction, origin: str) -> None:
        """Ask for the origin's claims at the end of the present slot."""
        self._tasks.enqueue([claims(origin, self._clock.now(), self._claim_every_s)], tx)

    def enqueue_closing(self, tx: Transaction, order: StoredOrder, at: datetime, *, wakes: int = 0) -> None:
        """Ask the escrow, from then on, whether it has closed the order."""
        named = (order.key, order.generation)
        self._tasks.enqueue([step(CLOSE, *named, number=max(1, order.claims), wakes=wakes, run_at=at)], tx)

    def due_for_retry(self, tx: Transaction, limit: int) -> list[StoredOrder]:
        """Failed orders whose time has come, and orders that nobody looks after; held until the commit."""
        now = self._clock.now()
        rows = tx.all(Q["due_for_retry"], now=now, stranded_before=now - STRANDED, limit=limit)
        return [stored(row) for row in rows]

    def wake(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """Have the step of an order's state taken anew, whatever became of the task that should."""
        now = self._clock.now()
        woken = self._woken(tx, order)
        match order.state:
            case State.PENDING:
                self.enqueue_decision(tx, woken, now, wakes=woken.wakes)
            case State.PROCESSING:
                self.enqueue_fill(tx, woken, wakes=woken.wakes)
            case State.FULFILLED if woken.gone_at is None:
                self.enqueue_claims(tx, woken.key.origin)
            case State.FULFILLED | State.PROVED:  # What is not on its chain is not claimed, but looked for.
                self.enqueue_closing(tx, woken, now, wakes=woken.wakes)
        return woken

    def wake_closing(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """Have the escrow asked now, whatever the order's state: it has closed an order that seemed to need a claim.

        Should it turn out not to have, the order is claimed once its next attempt has come; not before.
        """
        woken = self._woken(tx, order, next_attempt_at=next_attempt_at(self._clock.now(), 1))
        self.enqueue_closing(tx, woken, self._clock.now(), wakes=woken.wakes)
        return woken

    def _woken(self, tx: Transaction, order: StoredOrder, *, next_attempt_at: datetime | None = None) -> StoredOrder:
        at = {"now": self._clock.now(), "next_attempt_at": next_attempt_at}
        return stored(tx.one(Q["wake_order"], **order.row, **at))

    def _row(self, tx: Transaction, order: StoredOrder, query: str, **columns: Any) -> StoredOrder:
        named = {**order.row, "state": order.state, "now": self._clock.now()}
        row = tx.maybe(Q[query], **{**named, **columns})
        if row is None:
            raise OrderTransitionRefused(state=order.state, event=query, order=order.business_key(query))
        return stored(row)

    def _remember(
        self, tx: Transaction, order: StoredOrder, event: str, left: State | None, told: Mapping[str, Any]
    ) -> None:
        step_taken = {"event": str(event), "state_left": left, "state": order.state, "details": Jsonb(dict(told))}
        tx.execute(Q["add_history"], **order.row, **step_taken, correlation_id=current(), now=self._clock.now())
        self._tell(tx, order, str(event))


def _is_same(known: Deposit, told: Deposit) -> bool:
    """Whether a payment of one is a payment of the other: the escrow asks for nothing else."""
    return (known.recipient, known.amount_wei) == (told.recipient, told.amount_wei)


def _contents(deposit: Deposit) -> dict[str, Any]:
    columns = ("recipient", "amount_wei", "fee_wei", "block_number", "block_hash", "transaction_hash")
    named = {"origin": deposit.key.origin, "order_id": deposit.key.order_id}
    return {**named, **{name: getattr(deposit, name) for name in columns}}


def _told(deposit: Deposit) -> dict[str, Any]:
    return {
        "recipient": hex(deposit.recipient),
        "amount_wei": str(deposit.amount_wei),
        "fee_wei": str(deposit.fee_wei),
        "block_number": deposit.block_number,
        "block_hash": deposit.block_hash.hex(),
        "transaction_hash": deposit.transaction_hash.hex(),
    }
