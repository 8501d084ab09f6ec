"""Has the steps of failed and of forgotten orders taken anew, and lets parked ones go on where a person says so."""

from dataclasses import dataclass
from typing import Final

from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.order import OrderKey
from kernel.audit import Audit, require_words
from kernel.errors import Conflict
from kernel.postgres import Postgres

#: Each wakes a task, in one commit.
WOKEN_MAX: Final = 500


class OrderNotParked(Conflict):
    """The order waits for nobody."""

    cause = "It was never parked, or somebody let it go on already."
    remedy = "Look at its state; only a parked order is let go on."
    example = '{"origin": "zksync", "order_id": "17", "generation": 1}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """What cron_retry_failed and administrators do to orders."""

    postgres: Postgres
    orders: Orders
    audit: Audit

    def wake_due(self) -> int:
        """Wake every order whose time has come; how many there were."""
        with self.postgres.transaction() as tx:
            due = self.orders.due_for_retry(tx, WOKEN_MAX)
            for order in due:
                self.orders.wake(tx, order)
        return len(due)

    def release(self, key: OrderKey, generation: int, *, actor: str, reason: str) -> StoredOrder:
        """Let a parked order go on at once, with all its attempts; who and why is kept.

        Raises OrderUnknown, OrderNotParked.
        """
        require_words(actor, reason)
        with self.postgres.transaction() as tx:
            order = self.orders.order(tx, key, generation, lock=True)
            released = self.orders.release(tx, order, actor)
            if released is None:
                raise OrderNotParked(origin=key.origin, order_id=str(key.order_id), generation=generation)
            subject = f"order:{order.business_key(str(order.state))}"
            self.audit.record(tx, actor=actor, action="bridge.release", subject=subject, details={"reason": reason})
            return self.orders.wake(tx, released)
