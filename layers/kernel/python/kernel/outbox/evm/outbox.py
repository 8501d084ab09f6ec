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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, KeyUnavailable
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Receipt, hexadecimal
from kernel.evm.evidence import final_receipt
from kernel.evm.refusals import Refusal
from kernel.evm.rpc import RpcPool
from kernel.evm.transactions import SignedTransaction
from kernel.jsonrpc.quorum import NoQuorum
from kernel.keys.evm import Signer
from kernel.keys.outside import SignatureAwaited
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
    ends_without_its_nonce,
    is_overdue,
    pause_s,
    settling_events,
    verdict,
)
from kernel.outbox.evm.entries import EvmIntent, OutboxEntry, Purpose
from kernel.outbox.evm.gaps import Gaps
from kernel.outbox.evm.lifecycle import Event, after
from kernel.outbox.evm.looking import Lookout
from kernel.outbox.evm.recording import Recorder
from kernel.outbox.evm.store import OutboxStore
from kernel.outbox.evm.tracing import Adopted, Foreign, Ours, trace
from kernel.outbox.obligation import raise_alarm
from kernel.outbox.reading import reading
from kernel.outbox.settling import tell
from kernel.outbox.switch import HALTED_RETRY_S, Switch, is_halted
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Tasks

logger = logging.getLogger(__name__)

#: Why an effect was cancelled that its owner would have had to pay more for than it is worth.
TOO_DEAR: Final = "too_dear"
Settled = Callable[[Transaction, OutboxEntry], None]
#: Why an effect that nothing is signed of is not to happen any more; None where it is.
Unwanted = Callable[[OutboxEntry], str | None]


class SignedSomethingElse(Broken):
    """A signer signed another transaction than it was asked to."""

    cause = "The signed payload differs from the stored one in more than its fees."
    remedy = "Check the signer; nothing of it was stored or sent."


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
        switch: Switch | None = None,
    ) -> None:
        self._postgres, self._tasks, self._pool = postgres, tasks, pool
        self._signers = {checksum(address): signer for address, signer in signers.items()}
        self._clock: Clock = clock or SystemClock()
        self._policy, self._switch = policy, switch
        self._store = OutboxStore(postgres)
        self._lookout = Lookout(pool, self._store, self._clock, policy)
        self._gaps = Gaps(postgres, tasks, pool, self._store, self._clock)
        self._recorder = Recorder(postgres, tasks, pool, self._store, self._clock, signers=self._signers, switch=switch)

    def open_signers(self) -> None:
        """Read each new signer's first nonce from the chain now, so that `record` never waits for an RPC.

        Once in a signer's life; `record` does it itself where this was not called. Raises RpcUnavailable, WrongChain:
        the latter at every start, because a container of another chain would park the task of every open nonce.
        """
        self._recorder.open_signers()

    def record(self, tx: Transaction, intent: EvmIntent) -> UUID:
        """Record one obligation in the caller's transaction; the entry's id. Idempotent by business key.

        The signer's other leases wait for the caller's commit, so record late in a transaction and commit soon.
        Raises IntentChanged, TaskTaken, WrongChain, KeyUnavailable when nobody here can sign for the intent's
        signer, and ServiceHalted.
        """
        return self.record_many(tx, [intent])[0]

    def record_many(self, tx: Transaction, intents: Sequence[EvmIntent]) -> list[UUID]:
        """Record several obligations; the nonces of a signer follow the order given."""
        return self._recorder.record_many(tx, intents)

    def entry(self, business_key: str) -> OutboxEntry | None:
        """The obligation as it stands, or None when it was never recorded."""
        return self._store.entry_by_key(business_key)

    def alarmed(self, limit: int = 100) -> list[OutboxEntry]:
        """Obligations that need a person, oldest alarm first."""
        return self._store.alarmed(limit)

    def advance(
        self, entry_id: UUID, fence: Fence, settled: Settled | None = None, unwanted: Unwanted | None = None
    ) -> Outcome:
        """Take the entry as far as it goes now. Retry says when to look again; Done carries the final state.

        `settled` receives the settled entry inside the transaction that also completes the task: what the business
        makes of the end commits with the end. `unwanted` is asked before the effect is signed for the first time, and
        never again: once bytes are out, only the chain says what becomes of them. A reason that it gives is committed,
        and the nonce is used by a cancellation. Neither is told of fillers, which are nobody's business. Raises
        LeaseLost, RpcUnavailable, ChainUnreadable, WrongChain, NonceHistoryUnavailable, and what `unwanted` raises.
        """
        entry = self._store.entry(entry_id)
        if entry.settled:
            return Done(_result(entry))
        try:
            with reading():
                return self._step(entry, fence, *((None, None) if entry.is_filler else (settled, unwanted)))
        except NoQuorum as undecided:
            return self._undecided(entry, fence, undecided)

    def _step(self, entry: OutboxEntry, fence: Fence, settled: Settled | None, unwanted: Unwanted | None) -> Outcome:
        sighting = self._lookout.prospect() if entry.latest is None else self._lookout.look(entry)
        plan = decide(entry, sighting, self._policy)
        raise_alarm(entry, plan.alarm)
        if plan.fill is not None:
            self._gaps.fill(entry, fence, plan.fill)
        match plan.step:
            case Sign():
                is_first = entry.latest is None and plan.step.purpose == Purpose.EFFECT
                not_now = self._not_now(entry, fence, unwanted) if is_first else None
                return not_now or self._sign(entry, fence, plan, plan.step, sighting, settled)
            case Send():
                self._note(entry, fence, plan)
                self._send(entry, fence)
            case Settle():
                return self._prove(entry, fence, plan, plan.step.receipt, settled)
            case Trace():
                return self._trace(entry, fence, plan, sighting, settled)
            case Wait():
                self._note(entry, fence, plan)
        return self._later(entry, f"{type(plan.step).__name__.lower()} {entry.state}")

    def _later(self, entry: OutboxEntry, reason: str) -> Retry:
        return Retry(pause_s(entry, self._clock.now(), self._policy), reason)

    def _undecided(self, entry: OutboxEntry, fence: Fence, undecided: NoQuorum) -> Outcome:
        """The endpoints disagree on what moves money: look again, and call somebody once that lasts."""
        if is_overdue(entry, self._clock.now(), self._policy):
            raise_alarm(entry, undecided.code)
            self._store.note(entry, fence, (), undecided.code, self._clock.now())
        return self._later(entry, undecided.message)

    def _not_now(self, entry: OutboxEntry, fence: Fence, unwanted: Unwanted | None) -> Retry | None:
        """Why the effect is not signed for the first time; None where it may be."""
        if is_halted(self._switch, self._postgres, entry.service):
            return Retry(HALTED_RETRY_S, f"{entry.service} is halted")
        why = None if unwanted is None else unwanted(entry)
        if why is None:
            return None
        self._store.give_up(entry, fence, why, self._clock.now())
        return Retry(0.0, f"it is not wanted any more: {why}")

    def _sign(
        self, entry: OutboxEntry, fence: Fence, plan: Plan, step: Sign, sighting: Sighting, settled: Settled | None
    ) -> Outcome:
        signer = self._signers.get(entry.signer)
        if signer is None:
            raise KeyUnavailable("Nobody here signs for this address.", signer=entry.signer)
        try:
            signed = signer.sign_transaction(entry.unsigned(step.purpose, step.fees))
        except SignatureAwaited:
            return self._await_signature(entry, fence, plan, sighting, settled)
        if signed.hash in {payload.hash for payload in entry.payloads}:
            return self._await_signature(entry, fence, plan, sighting, settled)
        committed = self._store.store_payload(
            entry,
            fence,
            signed,
            purpose=_purpose(entry, signed),
            head=sighting.head,
            events=plan.events,
            alarm=plan.alarm,
            now=self._clock.now(),
        )
        self._send(committed, fence)
        return self._later(entry, f"sign {entry.state}")

    def _await_signature(
        self, entry: OutboxEntry, fence: Fence, plan: Plan, sighting: Sighting, settled: Settled | None
    ) -> Outcome:
        """Somebody outside has yet to sign. What is signed already stays out; who signs may also send it himself."""
        self._note(entry, fence, plan)
        if entry.latest is None:
            sighting = self._lookout.look(entry)
            if sighting.nonces_used > entry.nonce:
                return self._trace(entry, fence, plan, sighting, settled)
        elif not sighting.known:
            self._send(entry, fence)
        return self._later(entry, "awaiting a signature")

    def _send(self, entry: OutboxEntry, fence: Fence) -> None:
        """Broadcast the newest committed bytes, and note what the endpoints said."""
        payload = entry.payloads[-1]
        outcome = verdict(self._pool.broadcast(payload.raw), self._pool.unreduced())
        if outcome.words:
            logger.warning(
                "A broadcast was refused.",
                extra={"entry_id": str(entry.id), "refusal": outcome.refusal, "words": outcome.words},
            )
        self._store.mark_sent(entry, payload, fence, outcome, self._clock.now())

    def _note(self, entry: OutboxEntry, fence: Fence, plan: Plan) -> None:
        if plan.events or plan.alarm != entry.alarm:
            self._store.note(entry, fence, plan.events, plan.alarm, self._clock.now())

    def _prove(
        self, entry: OutboxEntry, fence: Fence, plan: Plan, receipt: Receipt, settled: Settled | None
    ) -> Outcome:
        """One node calls the end final: it is the end when a quorum does."""
        place = (receipt.transaction_hash, receipt.block_number, self._policy.confirmations)
        proved = final_receipt(self._pool, *place)
        if proved is not None and Event.CONFIRM not in settling_events(entry, proved):
            # Who is told that nothing happened may pay again, so nobody's absence makes one endpoint's word enough.
            proved = final_receipt(self._pool, *place, quorum=self._pool.unreduced())
        if proved is not None:
            return self._settle(entry, fence, settling_events(entry, proved), settled, receipt=proved)
        self._note(entry, fence, plan)
        return self._later(entry, "final for one node only")

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
            tell(settled, tx, ended)
            self._tasks.complete(tx, fence, _result(ended))
        return Done(_result(ended))

    def _trace(
        self, entry: OutboxEntry, fence: Fence, plan: Plan, sighting: Sighting, settled: Settled | None
    ) -> Outcome:
        """The nonce is used by nothing that we know of: find out by whom, and go by it only once it is final."""
        self._note(entry, fence, plan)
        entry = replace(entry, alarm=plan.alarm, state=after(entry.state, *plan.events))
        match trace(self._pool, entry, self._policy.confirmations):
            case Ours(receipts):
                ours = decide(entry, replace(sighting, receipts=receipts), self._policy)
                if isinstance(ours.step, Settle):
                    return self._prove(entry, fence, ours, ours.step.receipt, settled)
                self._note(entry, fence, ours)
            case Adopted(receipt):
                hash_ = hexadecimal(receipt.transaction_hash)
                reason = f"another wallet sent this very transaction: {hash_}"
                return self._settle(
                    entry, fence, settling_events(entry, receipt), settled, receipt=receipt, reason=reason
                )
            case Foreign(transaction):
                return self._displace(entry, fence, transaction, settled)
        return self._later(entry, "the nonce is used, its use not final yet")

    def _displace(self, entry: OutboxEntry, fence: Fence, foreign: str, settled: Settled | None) -> Outcome:
        reason = f"nonce {entry.nonce} was used by a foreign transaction: {foreign}"
        logger.error(
            "Another program uses this signer's key.",
            extra={"alarm": "outbox.displaced", "entry_id": str(entry.id), "nonce": entry.nonce, "foreign": foreign},
        )
        if ends_without_its_nonce(entry, self._clock.now()):
            return self._settle(entry, fence, (Event.LAPSE,), settled, reason=reason)
        claimed = self._pool.nonce_claimed(entry.signer)
        nonce = self._store.lease_again(entry, fence, claimed, reason=reason, now=self._clock.now())
        return Retry(0.0, f"displaced to nonce {nonce}")


def _purpose(entry: OutboxEntry, signed: SignedTransaction) -> Purpose:
    """What was really signed: an outside signer may answer an earlier request, at other fees or of another purpose."""
    for purpose in Purpose:
        if entry.unsigned(purpose, signed.payload.fees) == signed.payload:
            return purpose
    raise SignedSomethingElse(outbox_entry=str(entry.id))


def _reason(entry: OutboxEntry, events: tuple[Event, ...], clock: Clock) -> str | None:
    if Event.REVERT in events:
        return "reverted"
    if Event.CANCEL not in events:
        return entry.reason
    if entry.unwanted is not None or entry.expired(clock.now()):
        return entry.unwanted or "expired"
    refused = any(payload.refusal == Refusal.UNACCEPTABLE for payload in entry.payloads)
    return "unacceptable" if refused or entry.gas_price_max_wei is None else TOO_DEAR


def _result(entry: OutboxEntry) -> dict[str, str | int | None]:
    """What the task's record says about the end."""
    return {
        "state": str(entry.state),
        "nonce": entry.nonce,
        "transaction_hash": hexadecimal(entry.transaction_hash) if entry.transaction_hash else None,
        "block_number": entry.block_number,
        "reason": entry.reason,
    }
