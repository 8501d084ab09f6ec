"""Looks once more at what a payment rests on, when it is about to be signed long after it was recorded.

Between the two it may wait: for the end of a halt, for a worker, for a signer's turn. Until something is signed of it,
it can be taken back; afterwards only the chain says what becomes of it. So the outbox asks here, just before:

1. A payment that was recorded a moment ago rests on what was looked at then.
2. Its deposit must still be where it was, as deep as its value asks for, and nobody may have paid it.
3. While that cannot be read it is not signed. For a while: whatever else our signer owes waits behind its nonce.
"""

from collections.abc import Mapping
from typing import Final

from functions.bridge.adapters.looking import ALREADY_PAID, doubt_of, sight_of
from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.registry import Registry
from kernel.clock import Clock
from kernel.errors import Transient
from kernel.outbox.evm import OutboxEntry
from kernel.postgres import Postgres

#: So old may the look be with which the payment was recorded.
FRESH_S: Final = 5.0
#: A payment that can be looked at no sooner is taken back, and decided again.
UNREAD_S: Final = 60.0
UNREAD: Final = "deposit_unread"


class Rechecking:
    """Payments that are recorded, and of which nothing is signed."""

    def __init__(
        self, postgres: Postgres, orders: Orders, origins: Mapping[str, Origin], registry: Registry, clock: Clock
    ) -> None:
        self._postgres, self._orders, self._origins = postgres, orders, origins
        self._registry, self._clock = registry, clock

    def unwanted(self, entry: OutboxEntry) -> str | None:
        """Why a payment is not to be made any more; None where it is, and for whatever is no payment of an order.

        Raises what is transient.
        """
        waited_s = entry.waited_s(self._clock.now())
        if waited_s <= FRESH_S:
            return None
        with self._postgres.transaction() as tx:
            order = self._orders.paid_by(tx, entry.id)
        if order is None:
            return None
        origin = self._origins.get(order.key.origin)
        if origin is None:
            return UNREAD
        try:
            sight = sight_of(order.deposit, origin, self._registry)
        except Transient:
            if waited_s > UNREAD_S:
                return UNREAD
            raise
        return ALREADY_PAID if sight.paid is not None else doubt_of(order, sight, origin)
