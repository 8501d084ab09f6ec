"""What follows from the end of a payment or a claim: all of it commits with the end itself."""

from collections.abc import Sequence

from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.reorganised import vanished
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.order import Event, State
from kernel.clock import Clock
from kernel.outbox.evm import OutboxEntry
from kernel.outbox.evm import State as EntryState
from kernel.outbox.evm.outbox import TOO_DEAR
from kernel.postgres import Transaction
from kernel.treasury.evm import ending_of
from kernel.treasury.movements import State as Ended
from kernel.treasury.treasury import Treasury


class Settling:
    """Ends of our transactions. A status of 0 is a failure: nothing was paid, nothing was claimed."""

    def __init__(self, orders: Orders, posts: Posts, treasury: Treasury, clock: Clock) -> None:
        self._orders, self._posts, self._treasury, self._clock = orders, posts, treasury, clock

    def settled(self, tx: Transaction, entry: OutboxEntry) -> None:
        """Book the end of an outbox entry, and move the orders that it was for."""
        ending = ending_of(entry)
        transfer = self._treasury.settled(tx, ending)
        known = None if transfer is None else self._orders.of_transfer(tx, transfer.key)
        if transfer is None or known is None:
            return
        purpose, orders = known
        succeeded = ending.state == Ended.CONFIRMED
        if purpose == "fill":
            [order] = orders
            if succeeded:
                self._paid(tx, order, entry)
            elif entry.unwanted is not None or (entry.state, entry.reason) == (EntryState.CANCELLED, TOO_DEAR):
                self._take_back(tx, order, entry)
            else:
                self._fail(tx, order, Event.REVERT, entry)
            return
        if succeeded:
            self._posts.claimed(tx, transfer.key, transfer.amount)
            self._proved(tx, orders, entry)
        else:
            for order in _proving(orders):
                self._fail(tx, order, Event.RECLAIM, entry)

    def _paid(self, tx: Transaction, order: StoredOrder, entry: OutboxEntry) -> None:
        told = {"gas_wei": str(entry.fee_wei), "transaction_hash": _hash(entry).hex()}
        fill = (_hash(entry), entry.block_number or 0)
        paid = self._orders.move(tx, order, Event.PAY, told=told, fill=fill)
        self._posts.paid(tx, paid)
        if paid.gone_at is not None:
            vanished(tx, self._orders, self._posts, paid)
        else:
            self._orders.enqueue_claims(tx, paid.key.origin)

    def _proved(self, tx: Transaction, orders: Sequence[StoredOrder], entry: OutboxEntry) -> None:
        for order in _proving(orders):
            proved = self._orders.move(tx, order, Event.PROVE, told={"transaction_hash": _hash(entry).hex()})
            self._orders.enqueue_closing(tx, proved, self._clock.now())

    def _take_back(self, tx: Transaction, order: StoredOrder, entry: OutboxEntry) -> None:
        """Not wanted any more (`Rechecking`), or for more gas than it is worth: no failure, and decided at once."""
        told = {"transaction_hash": _text(entry.transaction_hash)}
        pending = self._orders.move(tx, order, Event.REVERT, reason=entry.reason, told=told)
        self._orders.enqueue_decision(tx, pending, self._clock.now())

    def _fail(self, tx: Transaction, order: StoredOrder, event: Event, entry: OutboxEntry) -> None:
        told = {"transaction_hash": _text(entry.transaction_hash), "reason": entry.reason}
        moved = self._orders.move(tx, order, event, told=told)
        self._orders.fail(tx, moved, f"transaction_{entry.state}", entry.reason or "it ended without its effect")


def _proving(orders: Sequence[StoredOrder]) -> list[StoredOrder]:
    """Those that wait for the claim still: an escrow may have closed an order before our claim was final."""
    return [order for order in orders if order.state == State.PROVING]


def _text(hash_: bytes | None) -> str | None:
    return None if hash_ is None else hash_.hex()


def _hash(entry: OutboxEntry) -> bytes:
    if entry.transaction_hash is None:
        raise ValueError("a transaction that succeeded has a hash")
    return entry.transaction_hash
