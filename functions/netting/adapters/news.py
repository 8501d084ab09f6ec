"""Tells what the program did: everybody who follows batches, whoever follows a wallet, webhooks, and metrics.

All after the commit that it tells of, and only then; webhooks are written in it, so none of them is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from functions.netting.adapters.batches import StoredBatch, StoredSettlement
from functions.netting.adapters.program_reading import Told
from functions.netting.core.batch import BatchState
from functions.netting.core.contents import deltas_of, items_of
from functions.netting.core.instructions import Deposited, ItemDeposited, ItemWithdrawn, Step, Withdrawn
from kernel.handler.telemetry import count
from kernel.postgres import Transaction

if TYPE_CHECKING:
    from kernel.realtime import Publisher
    from kernel.webhooks import Webhooks

TOPIC: Final = "netting"
#: So many intents are named in a message; more than these are counted.
NAMED_MAX: Final = 100


class News:
    """What is published of batches, funds and items."""

    def __init__(self, publisher: Publisher, webhooks: Webhooks) -> None:
        self._publisher, self._webhooks = publisher, webhooks

    def transaction(self, tx: Transaction, told: Told) -> None:
        """What wallets did themselves, in this transaction."""
        for one in told.done:
            named = _of_wallet(one.step)
            if named is not None:
                event, wallet, facts = named
                key = f"netting:{event}:{told.signature}:{one.path}"
                body = {"event": event, "wallet": wallet, "signature": told.signature, "slot": told.slot, **facts}
                self._publisher.publish(f"{TOPIC}:{wallet}", body, after=tx, key=key)
                self._webhooks.publish(tx, f"netting.{event}", key, body, about=_person(wallet))
        tx.after_commit(lambda: count("netting_transactions"))

    def settlement(
        self, tx: Transaction, settlement: StoredSettlement, intents: Sequence[str], batch: StoredBatch
    ) -> None:
        """A settlement is indexed, and with the last of them its batch."""
        body = {
            "event": "settlement_indexed",
            "batch": str(settlement.batch),
            "settlement": settlement.ordinal,
            "chain_batch": str(settlement.chain_batch),
            "signature": settlement.signature,
            "slot": settlement.slot,
            "intents": len(intents),
        }
        key = f"netting:{settlement.batch}:{settlement.ordinal}:indexed"
        self._publisher.publish(TOPIC, body | {"intent_ids": sorted(intents)[:NAMED_MAX]}, after=tx, key=key)
        self._webhooks.publish(tx, "netting.settlement_indexed", key, body)
        deltas = deltas_of(settlement.plan)
        for wallet in {*deltas, *items_of(settlement.plan).values()}:
            own = {"wallet": wallet, "delta_lamports": str(deltas.get(wallet, 0))}
            self._publisher.publish(f"{TOPIC}:{wallet}", body | own, after=tx, key=f"{key}:{wallet}")
        tx.after_commit(lambda: count("netting_settlements_indexed"))
        tx.after_commit(lambda: count("netting_intents_settled", len(intents)))
        if batch.state is BatchState.INDEXED:
            self._batch(tx, batch)

    def _batch(self, tx: Transaction, batch: StoredBatch) -> None:
        body = {
            "event": "batch_indexed",
            "batch": str(batch.id),
            "accepted": batch.accepted,
            "transactions": batch.transactions,
            "traded_lamports": str(batch.traded_lamports),
            "moved_lamports": str(batch.moved_lamports),
        }
        key = f"netting:{batch.id}:indexed"
        self._publisher.publish(TOPIC, body, after=tx, key=key)
        self._webhooks.publish(tx, "netting.batch_indexed", key, body)
        tx.after_commit(lambda: count("netting_batches_indexed"))


def _of_wallet(step: Step) -> tuple[str, str, dict[str, Any]] | None:
    """The event's name, whose it is, and its facts."""
    match step:
        case Deposited(wallet=wallet, lamports=lamports):
            return "funds_deposited", wallet, {"amount_lamports": str(lamports)}
        case Withdrawn(wallet=wallet, lamports=lamports):
            return "funds_withdrawn", wallet, {"amount_lamports": str(lamports)}
        case ItemDeposited(number=number, owner=owner):
            return "item_deposited", owner, {"item_number": str(number)}
        case ItemWithdrawn(account=account, owner=owner):
            return "item_withdrawn", owner, {"account": account}
    return None


def _person(wallet: str) -> str:
    return f"person:solana:{wallet}"
