"""Tells what became of money, deposits and transfers: administrators who are connected, and receivers of webhooks.

Both after the commit, and only then. What Redis loses of the first stands in the API; of the second nothing is lost.
"""

import logging
from collections.abc import Mapping
from typing import Any

from kernel.errors import CounterpartError
from kernel.postgres import Transaction
from kernel.realtime import Publisher
from kernel.treasury.inlets import Deposit
from kernel.treasury.movements import Ending, Transfer
from kernel.webhooks import Webhooks

logger = logging.getLogger(__name__)

TOPIC = "admin"


class News:
    """What is published of the treasury."""

    def __init__(self, publisher: Publisher, webhooks: Webhooks) -> None:
        self._publisher, self._webhooks = publisher, webhooks

    def booked(self, tx: Transaction, deposit: Deposit) -> None:
        """A deposit is in the books."""
        body = {
            "key": deposit.key,
            "chain": deposit.chain,
            "wallet": deposit.wallet,
            "amount_base_units": str(deposit.amount),
            "transaction_id": deposit.transaction_id,
            "forward_to": deposit.forward_to,
        }
        self._tell(tx, "deposit_booked", deposit.key, body)

    def gone(self, event: str, chain: str) -> None:
        """An event that was told is not on the final chain. Nothing hangs on the news: nobody is waited for."""
        facts = {"event": event, "chain": chain}
        logger.warning("An event that was told is on no final block.", extra=facts)
        try:
            self._publisher.publish(TOPIC, {"news": "event_gone", "key": event, "chain": chain}, key=f"gone/{event}")
        except CounterpartError as silent:
            logger.warning("Nobody was told.", extra={**facts, "code": silent.code})

    def ended(self, tx: Transaction, transfer: Transfer, ending: Ending) -> None:
        """A transfer has its end."""
        body = {
            "key": transfer.key,
            "kind": transfer.kind,
            "chain": transfer.chain,
            "state": ending.state,
            "sender": transfer.sender,
            "recipient": transfer.recipient,
            "amount_base_units": str(transfer.amount),
            "fee_base_units": str(ending.fee),
            "transaction_id": ending.transaction_id,
        }
        self._tell(tx, "transfer_ended", transfer.key, body)

    def _tell(self, tx: Transaction, news: str, key: str, body: Mapping[str, Any]) -> None:
        self._publisher.publish(TOPIC, {"news": news, **body}, after=tx, key=f"{news}/{key}")
        self._webhooks.publish(tx, f"ops.{news}", key, body)
