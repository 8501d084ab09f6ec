"""Owns the EVM outbox: the write-ahead rule, step by step, around the decisions of `kernel.outbox.evm.decision`.

1. `record`, in the caller's transaction: the business change, the nonce lease, the unsigned payload and the submit
   task commit together or not at all.
2. `advance`, in the submit task, as often as it takes:
   a. read the entry with all payloads ever signed at its nonce, and look at the chain (nothing is held meanwhile);
   b. decide;
   c. to sign: sign outside any transaction, then commit the bytes and their hash, only if this ordinal has none and
      the task's fence still holds; then broadcast *what was committed*, to every endpoint, and note the answers;
   d. to settle: the end, the caller's own effect and the task's completion commit together.

Dying between any two of these loses nothing: what is not committed was never broadcast, and what is committed is found
by its hash. Alarms are logged at ERROR under a stable key and kept on the entry until they pass; the entry goes on
being watched, because a parked one would hold up every later nonce of its signer.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Final
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, KeyUnavailable, Rejected, Transient, WrongChain
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Head, Receipt, hexadecimal, quantity
from kernel.evm.nonce_use import REORGANISATION_DEPTH_MAX, nonce_use
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call, RpcRefused
from kernel.keys.evm import Signer
from kernel.outbox.evm.decision import (
    OutboxPolicy,
    Plan,
    Send,
    Settle,
    Sighting,
    Sign,
    Trace,
    Wait,
    decide,
    pause_s,
    unwanted_effect,
    verdict,
)
from kernel.outbox.evm.entries import EvmIntent, IntentChanged, OutboxEntry
from kernel.outbox.evm.lifecycle import Event
from kernel.outbox.evm.store import OutboxStore
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Tasks, TaskSpec

logger = logging.getLogger(__name__)

# Asking to look again costs no attempt, so this bounds failures only. A transaction must not be given up because an
# RPC provider was away for an hour: its nonce holds up all later ones.
ATTEMPTS_MAX: Final = 1_000

Settled = Callable[[Transaction, OutboxEntry], None]


class ChainUnreadable(Transient):
    """The node refused to tell what became of a transaction."""

    cause = "A node answered a plain question about blocks, receipts or counts with an error."
    remedy = "The entry is looked at again; read the node's words in the log if this lasts."


class SettlementRefused(Broken):
    """The business refused what the chain made final."""

    cause = "The caller's own effect of a settled transaction raised an error that would have dropped the submit task."
    remedy = "Correct the slice's `settled` callback and replay the task: the chain's word stands."


@contextmanager
def _reading() -> Iterator[None]:
    """A refusal while looking never parks the task: its nonce holds up all later ones."""
    try:
        yield
    except RpcRefused as refused:
        raise ChainUnreadable(words=refused.words) from refused


class EvmOutbox:
    """The outbox of one chain. `signers` are found by address; `settled` effects run in the completing transaction."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: RpcPool,
        signers: Mapping[str, Signer],
        clock: Clock | None = None,
        *,
        policy: OutboxPolicy,
    ) -> None:
        self._postgres, self._tasks, self._pool = postgres, tasks, pool
        self._signers = {checksum(address): signer for address, signer in signers.items()}
        self._clock: Clock = clock or SystemClock()
        self._policy = policy
        self._store = OutboxStore(postgres)

    def open_signers(self) -> None:
        """Read each new signer's first nonce from the chain now, so that `record` never waits for an RPC.

        Once in a signer's life; `record` does it itself where this was not called. Raises RpcUnavailable, WrongChain:
        the latter at every start, because a container of another chain would park the task of every open nonce.
        """
        self._pool.check()
        for signer in self._store.unopened(self._pool.chain_id, list(self._signers)):
            first = self._pool.nonce_claimed(signer)
            with self._postgres.transaction() as tx:
                self._store.open_nonce(tx, self._pool.chain_id, signer, first, self._clock.now())

    def record(self, tx: Transaction, intent: EvmIntent) -> UUID:
        """Record one obligation in the caller's transaction; the entry's id. Idempotent by business key.

        The signer's other leases wait for the caller's commit, so record late in a transaction and commit soon.
        Raises IntentChanged, WrongChain, and KeyUnavailable when nobody here can sign for the intent's signer.
        """
        return self.record_many(tx, [intent])[0]

    def record_many(self, tx: Transaction, intents: Sequence[EvmIntent]) -> list[UUID]:
        """Record several obligations; the nonces of a signer follow the order given."""
        for intent in intents:
            self._check(intent)
        # Always in the same order, so that two callers never wait for each other.
        by_signer = sorted(intents, key=lambda intent: checksum(intent.signer))
        ids: dict[str, UUID] = {}
        for signer, group in groupby(by_signer, key=lambda intent: checksum(intent.signer)):
            ids |= self._record(tx, signer, list(group))
        return [ids[intent.business_key] for intent in intents]

    def entry(self, business_key: str) -> OutboxEntry | None:
        """The obligation as it stands, or None when it was never recorded."""
        return self._store.entry_by_key(business_key)

    def alarmed(self, limit: int = 100) -> list[OutboxEntry]:
        """Obligations that need a person, oldest alarm first."""
        return self._store.alarmed(limit)

    def advance(self, entry_id: UUID, fence: Fence, settled: Settled | None = None) -> Outcome:
        """Take the entry as far as it goes now. Retry says when to look again; Done carries the final state.

        `settled` receives the settled entry inside the transaction that also completes the task: what the business
        makes of the end commits with the end. Raises LeaseLost, RpcUnavailable, WrongChain, NonceHistoryUnavailable.
        """
        entry = self._store.entry(entry_id)
        if entry.settled:
            return Done(_result(entry))
        sighting = self._prospect() if entry.latest is None else self._look(entry)
        plan = decide(entry, sighting, self._policy)
        self._raise_alarm(entry, plan.alarm)
        match plan.step:
            case Sign():
                self._sign_and_send(entry, fence, plan, plan.step, sighting)
            case Send():
                self._note(entry, fence, plan)
                self._send(entry, fence)
            case Settle():
                return self._settle(entry, fence, plan.events, settled, receipt=plan.step.receipt)
            case Trace():
                return self._trace(entry, fence, plan, sighting, settled)
            case Wait():
                self._note(entry, fence, plan)
        return Retry(
            pause_s(entry, self._clock.now(), self._policy), f"{type(plan.step).__name__.lower()} {entry.state}"
        )

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
            now = self._clock.now()
            ids |= self._store.record(tx, list(fresh.values()), first_nonce, now)
            self._tasks.enqueue([self._task(intent, ids[key]) for key, intent in fresh.items()], tx)
        return ids

    def _locked_nonce(self, tx: Transaction, signer: str) -> int:
        next_nonce = self._store.leased(tx, self._pool.chain_id, signer)
        if next_nonce is None:
            first = self._pool.nonce_claimed(signer)
            self._store.open_nonce(tx, self._pool.chain_id, signer, first, self._clock.now())
            next_nonce = self._store.leased_open(tx, self._pool.chain_id, signer)
        return next_nonce

    def _task(self, intent: EvmIntent, entry_id: UUID) -> TaskSpec:
        return TaskSpec(
            kind=intent.task_kind,
            business_key=intent.business_key,
            payload={"entry_id": str(entry_id)},
            run_at=self._clock.now(),
            attempts_max=ATTEMPTS_MAX,
            resend_s=intent.resend_s,
            correlation_id=intent.correlation_id,
        )

    def _prospect(self) -> Sighting:
        """What a first signature needs to know: the base fee and the going tip."""
        calls: list[Call] = [("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])]
        with _reading():
            block, tip = self._pool.batch(calls)
        return Sighting(now=self._clock.now(), head=Head.from_rpc(block), suggested_tip_wei=quantity(tip))

    def _look(self, entry: OutboxEntry) -> Sighting:
        """Everything a decision needs about signed payloads, from one node in one round trip."""
        hashes = [hexadecimal(payload.hash) for payload in entry.payloads]
        calls: list[Call] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getBlockByNumber", ["finalized" if self._policy.confirmations is None else "latest", False]),
            ("eth_maxPriorityFeePerGas", []),
            ("eth_getTransactionCount", [entry.signer, "latest"]),
            ("eth_getTransactionByHash", [hashes[-1]]),
            *(("eth_getTransactionReceipt", [one]) for one in hashes),
        ]
        with _reading():
            latest, finalized, tip, used, known, *receipts = self._pool.batch(calls)
        head, nonces_used, now = Head.from_rpc(latest), quantity(used), self._clock.now()
        found = [Receipt.from_rpc(receipt) for receipt in receipts if receipt is not None]
        return Sighting(
            now=now,
            head=head,
            suggested_tip_wei=quantity(tip),
            final_block=self._final_block(head, finalized),
            nonces_used=nonces_used,
            receipts={receipt.transaction_hash: receipt for receipt in found},
            known=known is not None,
            gap=self._is_gap(entry, nonces_used),
        )

    def _final_block(self, head: Head, finalized: dict[str, str] | None) -> int:
        if self._policy.confirmations is not None:
            return head.number - self._policy.confirmations + 1
        return -1 if finalized is None else quantity(finalized["number"])

    def _is_gap(self, entry: OutboxEntry, nonces_used: int) -> bool:
        """Whether the chain waits for a nonce that nobody is going to use; asked only once waiting has become odd."""
        latest = entry.latest
        if latest is None or nonces_used >= entry.nonce:
            return False
        waited_s = (self._clock.now() - latest.signed_at).total_seconds()
        return waited_s >= self._policy.stuck_after_s and not self._store.nonce_is_open(entry, nonces_used)

    def _sign_and_send(self, entry: OutboxEntry, fence: Fence, plan: Plan, step: Sign, sighting: Sighting) -> None:
        signer = self._signers.get(entry.signer)
        if signer is None:
            raise KeyUnavailable("Nobody here signs for this address.", signer=entry.signer)
        signed = signer.sign_transaction(entry.unsigned(step.purpose, step.fees))
        committed = self._store.store_payload(
            entry,
            fence,
            signed,
            purpose=step.purpose,
            fees=step.fees,
            head=sighting.head,
            events=plan.events,
            alarm=plan.alarm,
            now=self._clock.now(),
        )
        self._send(committed, fence)

    def _send(self, entry: OutboxEntry, fence: Fence) -> None:
        """Broadcast the newest committed bytes, and note what the endpoints said."""
        payload = entry.payloads[-1]
        outcome = verdict(self._pool.broadcast(payload.raw))
        if outcome.refusal is not None:
            logger.warning(
                "A broadcast was refused.",
                extra={"entry_id": str(entry.id), "refusal": outcome.refusal.value, "words": outcome.words},
            )
        self._store.mark_sent(entry, payload, fence, outcome, self._clock.now())

    def _note(self, entry: OutboxEntry, fence: Fence, plan: Plan) -> None:
        if plan.events or plan.alarm != entry.alarm:
            self._store.note(entry, fence, plan.events, plan.alarm, self._clock.now())

    def _settle(
        self,
        entry: OutboxEntry,
        fence: Fence,
        events: tuple[Event, ...],
        settled: Settled | None,
        *,
        receipt: Receipt | None = None,
        reason: str | None = None,
    ) -> Outcome:
        with self._postgres.transaction(holding=fence) as tx:
            why = reason or _reason(entry, events, self._clock)
            ended = self._store.settle(tx, entry, events, receipt=receipt, reason=why, now=self._clock.now())
            if settled is not None:
                _tell(settled, tx, ended)
            self._tasks.complete(tx, fence, _result(ended))
        return Done(_result(ended))

    def _trace(
        self, entry: OutboxEntry, fence: Fence, plan: Plan, sighting: Sighting, settled: Settled | None
    ) -> Outcome:
        """The nonce is used by nothing that we know of: find the transaction, and go by it only once it is final."""
        self._note(entry, fence, plan)
        first, latest = entry.payloads[0], entry.payloads[-1]
        since = max(0, first.signed_at_block - REORGANISATION_DEPTH_MAX)
        use = None
        if sighting.final_block > since:
            use = nonce_use(self._pool, entry.signer, entry.nonce, since_block=since, until_block=sighting.final_block)
        ours = {payload.hash for payload in entry.payloads}
        if use is None or use.transaction_hash in ours or self._mined_anywhere(ours):
            return Retry(pause_s(entry, self._clock.now(), self._policy), "the nonce is used, its use not final yet")
        foreign = hexadecimal(use.transaction_hash) if use.transaction_hash else f"before block {use.block_number}"
        reason = f"nonce {entry.nonce} was used by a foreign transaction: {foreign}"
        logger.error(
            "Another program uses this signer's key.",
            extra={"alarm": "outbox.displaced", "entry_id": str(entry.id), "nonce": entry.nonce, "foreign": foreign},
        )
        if unwanted_effect(entry, latest, self._clock.now()):
            return self._settle(entry, fence, (Event.LAPSE,), settled, reason=reason)
        claimed = self._pool.nonce_claimed(entry.signer)
        nonce = self._store.lease_again(entry, fence, claimed, reason=reason, now=self._clock.now())
        return Retry(0.0, f"displaced to nonce {nonce}")

    def _mined_anywhere(self, hashes: set[bytes]) -> bool:
        """Whether any endpoint at all knows a receipt of ours: one that lags or lies must not cost a second effect."""
        return any(self._pool.everywhere("eth_getTransactionReceipt", [hexadecimal(one)]) for one in hashes)

    def _raise_alarm(self, entry: OutboxEntry, alarm: str | None) -> None:
        if alarm is not None and alarm != entry.alarm:
            logger.error(
                "An outbox entry needs a person.",
                extra={"alarm": f"outbox.{alarm}", "entry_id": str(entry.id), "business_key": entry.business_key},
            )


def _tell(settled: Settled, tx: Transaction, ended: OutboxEntry) -> None:
    try:
        settled(tx, ended)
    except Rejected as refused:
        raise SettlementRefused(business_key=ended.business_key, code=refused.code) from refused


def _reason(entry: OutboxEntry, events: tuple[Event, ...], clock: Clock) -> str | None:
    if Event.REVERT in events:
        return "reverted"
    if Event.CANCEL not in events:
        return entry.reason
    return "expired" if entry.expired(clock.now()) else "unacceptable"


def _result(entry: OutboxEntry) -> dict[str, str | int | None]:
    """What the task's record says about the end."""
    return {
        "state": str(entry.state),
        "nonce": entry.nonce,
        "transaction_hash": hexadecimal(entry.transaction_hash) if entry.transaction_hash else None,
        "block_number": entry.block_number,
        "reason": entry.reason,
    }
