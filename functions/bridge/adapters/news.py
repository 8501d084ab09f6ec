"""Tells what became of orders: who follows one over the WebSocket, who follows all, receivers of webhooks, and metrics.

All after the commit that it tells of, and only then; webhooks are written in it, so none of them is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from functions.bridge.adapters.stored import StoredOrder
from kernel.handler import count
from kernel.postgres import Transaction

if TYPE_CHECKING:
    from kernel.realtime import Publisher
    from kernel.webhooks import Webhooks

TOPIC: Final = "orders"
#: Of a topic's subject (kernel.realtime.topics). An id may have 78 digits, which only the topic of all orders tells.
SUBJECT_LONGEST: Final = 96
#: What others are told of by webhooks, and by the topic of all orders.
MILESTONES: Final = {
    "index": "order_seen",
    "pay": "order_filled",
    "find": "order_filled",
    "close": "order_completed",
    "drop": "order_dropped",
    "forget": "order_dropped",
    "lose": "order_lost",
    "recover": "order_recovered",
}

Tell = Callable[[Transaction, StoredOrder, str], None]


class News:
    """What is published of orders."""

    def __init__(self, publisher: Publisher, webhooks: Webhooks) -> None:
        self._publisher, self._webhooks = publisher, webhooks

    def told(self, tx: Transaction, order: StoredOrder, event: str) -> None:
        """A step of an order is taken, in this transaction."""
        key = order.business_key(f"{event}:{order.round}:{order.claims}:{order.losses}")
        body = {
            "network": order.key.origin,
            "order_id": str(order.key.order_id),
            "generation": order.generation,
            "event": event,
            "state": str(order.state),
            "reason": order.reason,
        }
        subject = f"{order.key.origin}/{order.key.order_id}"
        if len(subject) <= SUBJECT_LONGEST:
            self._publisher.publish(f"{TOPIC}:{subject}", body, after=tx, key=f"{key}:{order.reason}")
        milestone = MILESTONES.get(event)
        if milestone is not None:
            amounts = {"amount_wei": str(order.deposit.amount_wei), "fee_wei": str(order.deposit.fee_wei)}
            self._publisher.publish(TOPIC, body | amounts, after=tx, key=key)
            self._webhooks.publish(tx, f"bridge.{milestone}", key, body | amounts)
        tx.after_commit(lambda: count(f"orders_{event}"))


def nobody(_tx: Transaction, _order: StoredOrder, _event: str) -> None:
    """Tells nobody."""
