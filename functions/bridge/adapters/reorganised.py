"""What a reorganisation of the origin makes of an order, in one place for all who notice one."""

from functions.bridge.adapters.orders import REORGANISED, Orders
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.order import Event, State
from kernel.postgres import Transaction

_UNPROMISED = frozenset((State.PENDING, State.PROCESSING))
#: The payment is final: what it was for is owed, or lost.
_OWED = frozenset((State.FULFILLED, State.PROVING, State.PROVED))


def vanished(tx: Transaction, orders: Orders, posts: Posts, order: StoredOrder) -> StoredOrder:
    """The deposit is gone: forget the order, or post what was paid for it as lost, once that is final."""
    if order.state in _UNPROMISED:
        return orders.move(tx, order, Event.FORGET, reason=REORGANISED)
    if order.state in (State.COMPLETED, State.DROPPED):
        return order
    gone = order if order.gone_at is not None else orders.gone(tx, order)
    return posts.lose(tx, gone) if gone.state in _OWED else gone


def returned(tx: Transaction, orders: Orders, posts: Posts, order: StoredOrder) -> StoredOrder:
    """The deposit of a committed order is there: what was lost is owed again, and is claimed."""
    found = posts.recover(tx, orders.found(tx, order))
    if found.state == State.FULFILLED:
        orders.enqueue_claims(tx, found.key.origin)
    return found
