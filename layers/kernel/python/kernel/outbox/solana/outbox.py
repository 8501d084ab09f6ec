"""Owns the Solana outbox: the write-ahead rule, step by step, around the decisions of `kernel.outbox.solana.decision`.

1. `record`, in the caller's transaction: the business change, the unsigned instructions and the submit task commit
   together or not at all. No RPC is asked and no row is locked that another obligation needs.
2. `advance`, in the submit task, as often as it takes:
   a. read the entry with all payloads ever signed for it, and look at the cluster in one round trip;
   b. decide; where the decision asks for it, have the death of all payloads proven by two RPCs, and decide again;
   c. to sign: take the durable nonce, if there is one; sign outside any transaction; then commit the bytes, their
      signature and their last valid block height, only if this ordinal has none and the task's fence still holds;
      then broadcast *what was committed*, to every endpoint, and note the answers;
   d. to settle: two RPCs agree on the finalized transaction; then the end, the caller's own effect and the task's
      completion commit together.

Dying between any two of these loses nothing: what is not committed was never broadcast, and what is committed is found
by its signature. What keeps an effect from being signed (a simulation that fails, an empty account, a nonce in use)
is not the end of the obligation: it may be possible tomorrow. It is alarmed and tried again until `valid_until`.

While a service is halted no effect of it is signed, neither for the first time nor anew; what is out is watched, sent
and ended all the same. What others have signed without us is out from the beginning.

A message from elsewhere (`given`) takes the same way. Its bytes are stored before they are broadcast, though others may
have sent them already; nothing is ever signed over another blockhash for it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import WrongChain
from kernel.jsonrpc.quorum import NoQuorum
from kernel.keys.solana import SolanaSigner
from kernel.outbox.obligation import raise_alarm
from kernel.outbox.settling import tell
from kernel.outbox.solana.decision import (
    TELLING,
    Abandon,
    Mark,
    Plan,
    Prove,
    Send,
    Settle,
    Sign,
    SolanaPolicy,
    Wait,
    decide,
    end_of,
    is_overdue,
    pause_s,
)
from kernel.outbox.solana.entries import Purpose, SignedPayload, SolanaEntry, SolanaIntent, SolanaIntentChanged
from kernel.outbox.solana.lifecycle import Event
from kernel.outbox.solana.looking import Lookout
from kernel.outbox.solana.signing import Held, SigningDesk
from kernel.outbox.solana.store import SolanaOutboxStore
from kernel.outbox.submitting import submit_task
from kernel.outbox.switch import HALTED_RETRY_S, Switch, is_halted
from kernel.outbox.verdict import verdict_of
from kernel.postgres import Fence, Postgres, Transaction
from kernel.solana.pool import SolanaPool
from kernel.tasks import Done, Outcome, Retry, Tasks

logger = logging.getLogger(__name__)

Settled = Callable[[Transaction, SolanaEntry], None]


class SolanaOutbox:
    """The outbox of one cluster. `signers` are found by address."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: SolanaPool,
        signers: Mapping[str, SolanaSigner],
        clock: Clock | None = None,
        *,
        policy: SolanaPolicy,
        switch: Switch | None = None,
    ) -> None:
        self._postgres, self._tasks, self._pool = postgres, tasks, pool
        self._clock: Clock = clock or SystemClock()
        self._policy, self._switch = policy, switch
        self._store = SolanaOutboxStore(postgres)
        self._lookout = Lookout(pool, self._clock)
        self._desk = SigningDesk(pool, signers, policy)

    def record(self, tx: Transaction, intent: SolanaIntent) -> UUID:
        """Record one obligation in the caller's transaction; the entry's id. Idempotent by business key.

        Raises SolanaIntentChanged, MessageTaken, TaskTaken, WrongChain, ServiceHalted, SolanaIntentTooLarge,
        DurableNonceMissing, and KeyUnavailable when nobody here can sign for one of the intent's signers.
        """
        return self.record_many(tx, [intent])[0]

    def record_many(self, tx: Transaction, intents: Sequence[SolanaIntent]) -> list[UUID]:
        """Record several obligations in two statements. They land in any order: a cluster knows none."""
        fresh: dict[str, SolanaIntent] = {}
        for intent in intents:
            self._check(intent)
            if fresh.setdefault(intent.business_key, intent).columns() != intent.columns():
                raise SolanaIntentChanged(business_key=intent.business_key)
        if self._switch is not None:
            for service in sorted({intent.service for intent in intents}):
                self._switch.require_running(tx, service)
        now = self._clock.now()
        ids, new = self._store.record(tx, list(fresh.values()), now)
        # A task that stands under such a key already is for something else, and would submit nothing.
        self._tasks.enqueue_new([submit_task(fresh[key], ids[key], now) for key in fresh if key in new], tx)
        return [ids[intent.business_key] for intent in intents]

    def entry(self, business_key: str) -> SolanaEntry | None:
        """The obligation as it stands, or None when it was never recorded."""
        return self._store.entry_by_key(business_key)

    def alarmed(self, limit: int = 100) -> list[SolanaEntry]:
        """Obligations that need a person, oldest alarm first."""
        return self._store.alarmed(limit)

    def advance(self, entry_id: UUID, fence: Fence, settled: Settled | None = None) -> Outcome:
        """Take the entry as far as it goes now. Retry says when to look again; Done carries the final state.

        `settled` receives the settled entry inside the transaction that also completes the task: what the business
        makes of the end commits with the end. Raises LeaseLost, RpcUnavailable, ChainUnreadable, WrongChain.
        """
        entry = self._store.entry(entry_id)
        if entry.settled:
            return Done(_result(entry))
        try:
            return self._step(entry, fence, settled)
        except NoQuorum as undecided:
            return self._undecided(entry, fence, undecided)

    def _step(self, entry: SolanaEntry, fence: Fence, settled: Settled | None) -> Outcome:
        plan = self._plan(entry)
        raise_alarm(entry, plan.alarm)
        match plan.step:
            case Sign():
                return self._sign_and_send(entry, fence, plan, plan.step.purpose)
            case Send():
                self._note(entry, fence, plan)
                self._send(entry, fence)
            case Mark():
                self._note(entry, fence, plan)
                self._store.mark_outlived(entry, fence, self._lookout.height_reached())
            case Settle():
                return self._settle(entry, fence, plan.events, settled, plan.step.payload)
            case Abandon():
                return self._settle(entry, fence, plan.events, settled, None)
            case Wait() | Prove():
                self._note(entry, fence, plan)
        return self._later(entry, f"{type(plan.step).__name__.lower()} {entry.state}")

    def _undecided(self, entry: SolanaEntry, fence: Fence, undecided: NoQuorum) -> Outcome:
        """The endpoints disagree, or too few answer: look again, and call somebody once that lasts."""
        if is_overdue(entry, self._clock.now()):
            raise_alarm(entry, undecided.code)
            self._store.note(entry, fence, (), undecided.code, self._clock.now())
        return self._later(entry, undecided.message)

    def _plan(self, entry: SolanaEntry) -> Plan:
        sighting = self._lookout.sighting(entry)
        plan = decide(entry, sighting, self._policy)
        if isinstance(plan.step, Prove):
            proof = self._lookout.proof(entry)
            # What any RPC knew counts, also where the one that was asked first hides it.
            sighting = replace(sighting, dead=proof.dead, known={**sighting.known, **proof.known})
            plan = decide(entry, sighting, self._policy)
        return plan

    def _check(self, intent: SolanaIntent) -> None:
        if intent.cluster != self._pool.cluster:
            raise WrongChain(chain=self._pool.cluster, intended=intent.cluster)
        self._desk.check(intent)

    def _sign_and_send(self, entry: SolanaEntry, fence: Fence, plan: Plan, purpose: Purpose) -> Outcome:
        if purpose == Purpose.EFFECT and entry.asks_for_ours and is_halted(self._switch, self._postgres, entry.service):
            return Retry(HALTED_RETRY_S, f"{entry.service} is halted")
        if entry.durable_nonce and not self._store.lease_nonce(entry, fence, self._clock.now()):
            return self._later(entry, "another entry uses the durable nonce")
        draft = self._desk.draft(entry, purpose)
        if isinstance(draft, Held):
            self._hold(entry, fence, replace(plan, alarm=draft.alarm or plan.alarm))
            if draft.resend and entry.latest is not None:
                self._send(entry, fence)
            return self._later(entry, draft.reason)
        committed = self._store.store_payload(
            entry, fence, draft, events=plan.events, alarm=plan.alarm, now=self._clock.now()
        )
        if len(committed.payloads) == len(entry.payloads):
            return self._later(entry, "another entry has these very bytes: wait for another blockhash")
        self._send(committed, fence)
        return self._later(committed, "sent")

    def _hold(self, entry: SolanaEntry, fence: Fence, plan: Plan) -> None:
        raise_alarm(entry, plan.alarm)
        self._note(entry, fence, plan)

    def _send(self, entry: SolanaEntry, fence: Fence) -> None:
        """Broadcast the newest committed bytes, and note what the endpoints said."""
        payload: SignedPayload = entry.payloads[-1]
        outcome = verdict_of(self._pool.broadcast(payload.raw), TELLING)
        if outcome.refusal is not None:
            logger.warning(
                "A broadcast was refused.",
                extra={"entry_id": str(entry.id), "refusal": outcome.refusal, "words": outcome.words},
            )
        self._store.mark_sent(entry, payload, fence, outcome, self._clock.now())

    def _note(self, entry: SolanaEntry, fence: Fence, plan: Plan) -> None:
        if plan.events or plan.alarm != entry.alarm:
            self._store.note(entry, fence, plan.events, plan.alarm, self._clock.now())

    def _settle(
        self,
        entry: SolanaEntry,
        fence: Fence,
        events: tuple[Event, ...],
        settled: Settled | None,
        landed: SignedPayload | None,
    ) -> Outcome:
        ending = None if landed is None else self._lookout.ending(landed.signature)
        released = self._lookout.release_fees(entry)
        if released is None or (landed and not ending):
            return self._later(entry, "its finalized transaction is not readable yet")
        if ending is not None:
            events = (*events, end_of(ending.error))
        with self._postgres.transaction(holding=fence) as tx:
            ended = self._store.settle(tx, entry, events, ending, release_fees=released, now=self._clock.now())
            tell(settled, tx, ended)
            self._tasks.complete(tx, fence, _result(ended))
        return Done(_result(ended))

    def _later(self, entry: SolanaEntry, reason: str) -> Retry:
        return Retry(pause_s(entry, self._clock.now(), self._policy), reason)


def _result(entry: SolanaEntry) -> dict[str, str | int | None]:
    """What the task's record says about the end."""
    return {
        "state": str(entry.state),
        "signature": entry.signature,
        "slot": entry.slot,
        "reason": entry.reason,
    }
