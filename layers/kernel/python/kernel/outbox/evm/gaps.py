"""Owns nonces that the chain waits for and nobody is going to use: they are filled by an obligation of their own.

A gap is left when the signer's count was read too high before its first lease, or when another wallet program's
pending transaction was dropped after we leased behind it. Everything above waits, so the gap is filled by a transfer of
nothing, recorded under its own business key in the table of all obligations, and signed, stored and sent by the same
rule. It is filled only on proof: a quorum says that the signer's count is that very nonce, no endpoint has anything
pending there, and the alarm about it is old (`decision`). If somebody uses the nonce after all, the filler just ends.
"""

import logging

from kernel.clock import Clock
from kernel.evm.blocks import quantity
from kernel.evm.rpc import RpcPool
from kernel.outbox.evm.entries import NonceHolder, OutboxEntry, filler
from kernel.outbox.evm.store import OutboxStore
from kernel.outbox.submitting import submit_task
from kernel.postgres import Fence, Postgres
from kernel.tasks import Tasks

logger = logging.getLogger(__name__)


class Gaps:
    """Fills the gaps of one chain's signers."""

    def __init__(self, postgres: Postgres, tasks: Tasks, pool: RpcPool, store: OutboxStore, clock: Clock) -> None:
        self._postgres, self._tasks, self._pool, self._store, self._clock = postgres, tasks, pool, store, clock

    def fill(self, entry: OutboxEntry, fence: Fence, nonce: int) -> None:
        """Record a filler for a nonce below the entry's, if it is proved to belong to nobody. Idempotent.

        The entry's own worker submits it, as the same kind of task. Raises NoQuorum, RpcUnavailable, LeaseLost.
        """
        if not self._is_waited_for(entry.signer, nonce):
            return
        now = self._clock.now()
        with self._postgres.transaction(holding=fence) as tx:
            self._store.leased_open(tx, entry.chain_id, entry.signer)  # held from here on: nobody else decides
            if self._store.holder(tx, entry.chain_id, entry.signer, nonce) != NonceHolder.NOBODY:
                return
            kind = self._store.submit_kind(tx, entry, fence.task_id)
            intent = filler(entry.chain_id, entry.signer, nonce, submit_kind=kind)
            entry_id = self._store.insert(tx, intent, nonce, now)
            self._tasks.enqueue([submit_task(intent, entry_id, now)], tx)
        logger.warning(
            "A nonce that nobody would have used is filled.",
            extra={"entry_id": str(entry.id), "filler_id": str(entry_id), "signer": entry.signer, "nonce": nonce},
        )

    def _is_waited_for(self, signer: str, nonce: int) -> bool:
        """By a quorum the signer's count is this nonce, and no endpoint at all has a transaction pending at it."""

        def is_count(count: str) -> bool | None:
            return quantity(count) == nonce or None

        if quantity(self._pool.agreed("eth_getTransactionCount", [signer, "latest"], by=is_count)) != nonce:
            return False
        pending = self._pool.everywhere("eth_getTransactionCount", [signer, "pending"], quantity)
        return bool(pending) and all(count == nonce for count in pending)
