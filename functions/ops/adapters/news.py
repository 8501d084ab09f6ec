"""Tells administrators who are connected what became of money: deposits, transfers. After the commit, and only then."""

import logging

from kernel.errors import CounterpartError
from kernel.postgres import Transaction
from kernel.realtime import Publisher
from kernel.treasury.inlets import Deposit
from kernel.treasury.movements import Ending, Transfer

logger = logging.getLogger(__name__)

TOPIC = "admin"


class News:
    """What is published of the treasury. What Redis loses stands in the API."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def booked(self, tx: Transaction, deposit: Deposit) -> None:
        """A deposit is in the books."""
        body = {
            "news": "deposit_booked",
            "key": deposit.key,
            "chain": deposit.chain,
            "wallet": deposit.wallet,
            "amount_base_units": str(deposit.amount),
            "transaction_id": deposit.transaction_id,
            "forward_to": deposit.forward_to,
        }
        self._publisher.publish(TOPIC, body, after=tx, key=f"deposit_booked/{deposit.key}")

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
            "news": "transfer_ended",
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
        self._publisher.publish(TOPIC, body, after=tx, key=f"transfer_ended/{transfer.key}")
