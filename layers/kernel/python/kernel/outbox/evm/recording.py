"""Owns transaction 1 of the write-ahead rule: the nonce lease, the unsigned payload and the submit task, or nothing."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from uuid import UUID

from kernel.clock import Clock
from kernel.errors import KeyUnavailable, WrongChain
from kernel.evm.addresses import checksum
from kernel.evm.rpc import RpcPool
from kernel.outbox.evm.entries import EvmIntent, IntentChanged
from kernel.outbox.evm.store import OutboxStore
from kernel.outbox.submitting import submit_task
from kernel.outbox.switch import Switch
from kernel.postgres import Postgres, Transaction
from kernel.tasks import Tasks


class Recorder:
    """Records obligations in the caller's transaction."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: RpcPool,
        store: OutboxStore,
        clock: Clock,
        *,
        signers: Iterable[str],
        switch: Switch | None,
    ) -> None:
        self._postgres, self._tasks, self._pool, self._store, self._clock = postgres, tasks, pool, store, clock
        self._signers, self._switch = frozenset(signers), switch

    def open_signers(self) -> None:
        """Read each new signer's first nonce from the chain now. Raises RpcUnavailable, WrongChain."""
        self._pool.check()
        for signer in self._store.unopened(self._pool.chain_id, sorted(self._signers)):
            first = self._pool.nonce_claimed(signer)
            with self._postgres.transaction() as tx:
                self._store.open_nonce(tx, self._pool.chain_id, signer, first, self._clock.now())

    def record_many(self, tx: Transaction, intents: Sequence[EvmIntent]) -> list[UUID]:
        """Record several obligations; the nonces of a signer follow the order given."""
        for intent in intents:
            self._check(intent)
        if self._switch is not None:
            for service in sorted({intent.service for intent in intents}):
                self._switch.require_running(tx, service)
        # Always in the same order, so that two callers never wait for each other.
        by_signer = sorted(intents, key=lambda intent: checksum(intent.signer))
        ids: dict[str, UUID] = {}
        for signer, group in groupby(by_signer, key=lambda intent: checksum(intent.signer)):
            ids |= self._record(tx, signer, list(group))
        return [ids[intent.business_key] for intent in intents]

    def _check(self, intent: EvmIntent) -> None:
        if intent.chain_id != self._pool.chain_id:
            raise WrongChain(chain_id=self._pool.chain_id, intended=intent.chain_id)
        if checksum(intent.signer) not in self._signers:
            raise KeyUnavailable("Nobody here signs for this address.", signer=checksum(intent.signer))

    def _record(self, tx: Transaction, signer: str, intents: list[EvmIntent]) -> dict[str, UUID]:
        # The lock comes first: a concurrent record of the same key is then seen, not collided with.
        first_nonce = self._locked_nonce(tx, signer)
        ids = self._store.recorded(tx, intents)
        fresh = {intent.business_key: intent for intent in intents if intent.business_key not in ids}
        for intent in intents:
            if intent.business_key in fresh and fresh[intent.business_key].columns() != intent.columns():
                raise IntentChanged(business_key=intent.business_key)
        if fresh:
            ids |= self._record_fresh(tx, signer, list(fresh.values()), first_nonce)
        return ids

    def _record_fresh(
        self, tx: Transaction, signer: str, intents: list[EvmIntent], first_nonce: int
    ) -> dict[str, UUID]:
        now = self._clock.now()
        ids = self._store.record(tx, intents, first_nonce, now)
        self._store.hand_out(tx, self._pool.chain_id, signer, first_nonce + len(intents))
        # A task that stands under such a key already is for something else, and would submit nothing.
        self._tasks.enqueue_new(
            [submit_task(intent, ids[intent.business_key], now, intent.resend_s) for intent in intents], tx
        )
        return ids

    def _locked_nonce(self, tx: Transaction, signer: str) -> int:
        next_nonce = self._store.leased(tx, self._pool.chain_id, signer)
        if next_nonce is None:
            first = self._pool.nonce_claimed(signer)
            self._store.open_nonce(tx, self._pool.chain_id, signer, first, self._clock.now())
            next_nonce = self._store.leased_open(tx, self._pool.chain_id, signer)
        return next_nonce
