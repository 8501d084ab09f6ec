"""Tells what became of exchanges: who follows one over the WebSocket, who follows all, and receivers of webhooks.

All after the commit that it tells of, and only then; webhooks are written in it, so none of them is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from functions.barter.adapters.steps import name_of
from functions.barter.adapters.stored import StoredCall, StoredJob, StoredWatch
from kernel.handler import count
from kernel.postgres import Transaction

if TYPE_CHECKING:
    from kernel.realtime import Publisher
    from kernel.webhooks import Webhooks

TOPIC: Final = "barter"
#: What others are told of by webhooks, by subject and event.
MILESTONES: Final = {
    ("watch", "enter"): "trade_entered",
    ("watch", "restart"): "trade_entered",
    ("watch", "time_out"): "proof_timed_out",
    ("watch", "leave"): "trade_left",
    ("job", "complete"): "proof_completed",
    ("job", "fail"): "proof_errored",
    ("job", "expire"): "proof_errored",
    ("trades", "confirmed"): "trades_enacted",
}


class News:
    """What is published of exchanges."""

    def __init__(self, publisher: Publisher, webhooks: Webhooks) -> None:
        self._publisher, self._webhooks = publisher, webhooks

    def of_watch(self, tx: Transaction, watch: StoredWatch, event: str, told: Mapping[str, Any]) -> None:
        """A step of a watch is taken, in this transaction."""
        body = {"event": f"watch_{event}", "state": str(watch.state), **told}
        key = f"watch:{event}:{watch.moved_at.isoformat()}"
        self._tell(tx, watch.chain_id, watch.address, ("watch", event), key, body)

    def of_job(self, tx: Transaction, job: StoredJob, event: str) -> None:
        """A step of a proof's job is taken."""
        body = {
            "event": f"proof_{event}",
            "state": str(job.state),
            "trade_block": job.trade.block,
            "mode": job.mode and str(job.mode),
            "attempts": job.attempts,
            "error": job.error,
        }
        key = f"job:{job.id}:{event}:{job.moved_at.isoformat()}"
        self._tell(tx, job.chain_id, job.address, ("job", event), key, body)

    def of_call(self, tx: Transaction, call: StoredCall) -> None:
        """A transaction to an exchange has ended."""
        body = {
            "event": f"{call.purpose}_{call.state}",
            "state": call.state,
            "reason": call.reason,
            "transaction_hash": call.transaction_hash and "0x" + call.transaction_hash.hex(),
        }
        milestone = (call.purpose, call.state)
        self._tell(tx, call.chain_id, call.address, milestone, f"call:{call.number}:{call.state}", body)

    def _tell(
        self,
        tx: Transaction,
        chain_id: int,
        address: str,
        step: tuple[str, str],
        key: str,
        body: Mapping[str, Any],
    ) -> None:
        told = {"chain_id": chain_id, "address": address, **body}
        named = f"{name_of(chain_id, address)}:{key}"
        self._publisher.publish(f"{TOPIC}:{address}", told, after=tx, key=named)
        milestone = MILESTONES.get(step)
        if milestone is not None:
            self._publisher.publish(TOPIC, told, after=tx, key=named)
            self._webhooks.publish(tx, f"barter.{milestone}", named, told)
        tx.after_commit(lambda: count(f"barter_{step[0]}_{step[1]}"))
