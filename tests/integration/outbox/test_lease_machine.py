"""The nonce lease and the fencing token against a model: no gap, no reuse, and a stale token commits nothing.

The model is what a reader expects of the essay in `kernel.outbox.evm.lifecycle`: who has which nonce, what was signed
at it and under which token. Everything is done to the real tables by the kernel's own rooms; no chain is needed, since
leases and fences are promises of the database alone.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from kernel.errors import LeaseLost
from kernel.evm.blocks import Head, Receipt
from kernel.evm.fees import Fees
from kernel.evm.rpc import RpcPool
from kernel.keys.evm import LocalSigner
from kernel.outbox.evm import EvmIntent, IntentChanged, OutboxEntry, Purpose
from kernel.outbox.evm.entries import NonceHolder, filler
from kernel.outbox.evm.lifecycle import Event
from kernel.outbox.evm.recording import Recorder
from kernel.outbox.evm.store import OutboxStore
from kernel.outbox.submitting import submit_task
from kernel.postgres import Fence, Postgres
from kernel.tasks import NotClaimed, Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.machines import run_machine

pytestmark = pytest.mark.integration

CHAIN_ID, FIRST_NONCE = 31337, 3
HEAD = Head(number=1, hash=bytes(32), time_s=0, base_fee_wei=1)
SIGNERS = st.sampled_from([0, 1])
KEYS = st.sampled_from([f"pay-{letter}" for letter in "abcdefgh"])
UNASKED = "http://127.0.0.1:9"  # leases need no chain once a signer is open


@dataclass
class Owed:
    """What the model knows of one obligation."""

    entry_id: UUID
    task_id: UUID
    signer: int
    nonce: int
    signed: int = 0
    leases: int = 1
    token: int = 0
    lease_until_s: float = 0.0
    settled: bool = False


@dataclass
class Lane:
    """What the model knows of one signer."""

    next_nonce: int = FIRST_NONCE
    lost: set[int] = field(default_factory=set)  # used by somebody else, or passed over, finally


@dataclass(frozen=True)
class Look:
    """What a worker read, and under which token; it may be long out of date."""

    key: str
    fence: Fence
    entry: OutboxEntry


class Leases(RuleBasedStateMachine):
    """Callers, workers, foreign wallets and time."""

    postgres: Postgres
    looks = Bundle("looks")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)
        self.store = OutboxStore(self.postgres)
        self.signers = [LocalSigner(os.urandom(32)) for _ in range(2)]
        self.lanes = [Lane(), Lane()]
        self.owed: dict[str, Owed] = {}
        with self.postgres.transaction() as tx:
            tx.execute("truncate kernel.tasks, kernel.evm_outbox, kernel.evm_payloads, kernel.evm_nonces cascade")
        for signer in self.signers:
            with self.postgres.transaction() as tx:
                self.store.open_nonce(tx, CHAIN_ID, signer.address, FIRST_NONCE, self.clock.now())
        addresses = [signer.address for signer in self.signers]
        pool = RpcPool([UNASKED], CHAIN_ID, self.clock)
        self.recorder = Recorder(
            self.postgres, self.tasks, pool, self.store, self.clock, signers=addresses, switch=None
        )

    def intent(self, key: str, signer: int, value_wei: int = 7) -> EvmIntent:
        return EvmIntent(
            business_key=key,
            service="oracle",
            chain_id=CHAIN_ID,
            signer=self.signers[signer].address,
            to="0x" + "11" * 20,
            data=b"",
            gas_limit=21_000,
            value_wei=value_wei,
        )

    @initialize(signer=SIGNERS)
    def begin_with_something_owed(self, signer: int) -> None:
        self.record(["pay-a", "pay-b"], signer, dies=False)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), signer=SIGNERS, dies=st.booleans())
    def record(self, keys: list[str], signer: int, dies: bool) -> None:
        """A caller's transaction: consecutive nonces in its order, known keys as they are, or nothing at all."""
        theirs = [key for key in keys if key not in self.owed or self.owed[key].signer == signer]
        if not theirs:
            return
        intents = [self.intent(key, signer) for key in theirs]
        if dies:
            with pytest.raises(ZeroDivisionError), self.postgres.transaction() as tx:
                self.recorder.record_many(tx, intents)
                raise ZeroDivisionError
            return
        with self.postgres.transaction() as tx:
            ids = self.recorder.record_many(tx, intents)
        for key, entry_id in zip(theirs, ids, strict=True):
            if key not in self.owed:
                self._owe(key, entry_id, signer, self.lanes[signer].next_nonce)
                self.lanes[signer].next_nonce += 1
            assert self.owed[key].entry_id == entry_id

    @rule(key=KEYS, signer=SIGNERS)
    def record_something_else(self, key: str, signer: int) -> None:
        """Under a key that is known: refused."""
        if key in self.owed:
            with pytest.raises(IntentChanged), self.postgres.transaction() as tx:
                self.recorder.record_many(tx, [self.intent(key, signer, value_wei=8)])

    @rule(seconds=st.sampled_from([1.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(target=looks, look=looks, lease_s=st.sampled_from([0.0, 60.0]))
    def overtake(self, look: Look, lease_s: float) -> Any:
        """The worker slept through its lease, and another one takes over."""
        self.clock.advance(61.0)
        return self._claim(look.key, lease_s)

    @rule(target=looks, number=st.integers(0, 9), lease_s=st.sampled_from([0.0, 10.0, 60.0]))
    def claim_and_look(self, number: int, lease_s: float) -> Any:
        """A worker takes the task when nobody holds it, and reads the entry."""
        keys = sorted(self.owed)
        return self._claim(keys[number % len(keys)], lease_s) if keys else multiple()

    def _claim(self, key: str, lease_s: float) -> Any:
        owed, now_s = self.owed[key], self.clock.time_s()
        task = self.tasks.claim(owed.task_id, "worker", lease_s)
        assert isinstance(task, NotClaimed) == (owed.settled or now_s < owed.lease_until_s)
        if isinstance(task, NotClaimed):
            return multiple()
        owed.token, owed.lease_until_s = task.fence.token, now_s + lease_s
        return Look(key, task.fence, self.store.entry(owed.entry_id))

    @rule(target=looks, look=looks)
    def look_again(self, look: Look) -> Any:
        """Under the same token, stale or not."""
        return Look(look.key, look.fence, self.store.entry(self.owed[look.key].entry_id))

    @rule(look=looks)
    def sign(self, look: Look) -> None:
        """Transaction 2: stored for the holder alone, and only if this ordinal of this nonce has no bytes."""
        owed = self.owed[look.key]
        fees = Fees(max_fee_wei=2 + len(look.entry.payloads), tip_wei=1)
        signed = self.signers[owed.signer].sign_transaction(look.entry.unsigned(Purpose.EFFECT, fees))
        if not self._holds(look):
            with pytest.raises(LeaseLost):
                self._store(look, signed)
            return
        fresh = look.entry.nonce == owed.nonce and len(look.entry.payloads) == owed.signed
        committed = self._store(look, signed)
        owed.signed += fresh
        assert len(committed.payloads) == owed.signed

    @rule(look=looks, ahead=st.integers(0, 3))
    def displace(self, look: Look, ahead: int) -> None:
        """A foreign transaction used the nonce: a new one, behind all that anybody leased or used."""
        owed, lane = self.owed[look.key], self.lanes[self.owed[look.key].signer]
        claimed = lane.next_nonce + ahead
        if not self._holds(look) or look.entry.nonce != owed.nonce:
            with pytest.raises(LeaseLost):
                self.store.lease_again(look.entry, look.fence, claimed, reason="foreign", now=self.clock.now())
            return
        nonce = self.store.lease_again(look.entry, look.fence, claimed, reason="foreign", now=self.clock.now())
        lane.lost |= {owed.nonce, *range(lane.next_nonce, nonce)}
        assert nonce == claimed
        owed.nonce, owed.signed, owed.leases, lane.next_nonce = nonce, 0, owed.leases + 1, nonce + 1

    @rule(look=looks, skipped=st.integers(0, 5))
    def fill(self, look: Look, skipped: int) -> None:
        """A nonce that belongs to nobody gets a filler; one that has an owner does not."""
        lane, signer = self.lanes[self.owed[look.key].signer], self.owed[look.key].signer
        nonce = FIRST_NONCE + skipped
        address = self.signers[signer].address
        taken = {owed.nonce for owed in self.owed.values() if owed.signer == signer}
        with self.postgres.transaction() as tx:
            self.store.leased_open(tx, CHAIN_ID, address)
            holder = self.store.holder(tx, CHAIN_ID, address, nonce)
            assert (holder == NonceHolder.NOBODY) == (nonce not in taken)
            if nonce not in lane.lost:
                return
            intent = filler(CHAIN_ID, address, nonce, submit_kind="oracle.submit_transaction")
            entry_id = self.store.insert(tx, intent, nonce, self.clock.now())
            self.tasks.enqueue([submit_task(intent, entry_id, self.clock.now())], tx)
        lane.lost.discard(nonce)
        self._owe(intent.business_key, entry_id, signer, nonce)

    @rule(look=looks)
    def settle(self, look: Look) -> None:
        """The end and the task's completion commit together, for the holder alone."""
        owed = self.owed[look.key]
        if not look.entry.payloads or look.entry.nonce != owed.nonce:
            return
        receipt = Receipt(
            transaction_hash=look.entry.payloads[-1].hash,
            block_number=1,
            block_hash=bytes(32),
            succeeded=True,
            gas_used=21_000,
            gas_price_wei=1,
            l1_fee_wei=0,
            logs=(),
        )
        if not self._holds(look):
            with pytest.raises(LeaseLost):
                self._settle(look, receipt)
            return
        self._settle(look, receipt)
        owed.settled = True

    @invariant()
    def every_nonce_has_one_owner_or_is_lost(self) -> None:
        """No gap and no reuse; the database knows what the model knows."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select * from kernel.evm_outbox order by nonce")
            nexts = {row["signer"]: row["next_nonce"] for row in tx.all("select * from kernel.evm_nonces")}
            payloads = tx.all(
                "select entry_id, nonce, count(*) as signed, max(ordinal) as newest from kernel.evm_payloads "
                "group by entry_id, nonce"
            )
        stored = {row["business_key"]: (row["nonce"], row["leases"], row["settled_at"] is not None) for row in rows}
        assert stored == {key: (owed.nonce, owed.leases, owed.settled) for key, owed in self.owed.items()}
        for number, (signer, lane) in enumerate(zip(self.signers, self.lanes, strict=True)):
            owned = [owed.nonce for owed in self.owed.values() if owed.signer == number]
            assert nexts[signer.address] == lane.next_nonce
            assert sorted([*owned, *lane.lost]) == list(range(FIRST_NONCE, lane.next_nonce))
        assert all(row["signed"] == row["newest"] for row in payloads)
        counted = {(row["entry_id"], row["nonce"]): row["signed"] for row in payloads}
        for owed in self.owed.values():
            assert counted.get((owed.entry_id, owed.nonce), 0) == owed.signed

    def _owe(self, key: str, entry_id: UUID, signer: int, nonce: int) -> None:
        [task] = self.tasks.about(key)
        self.owed[key] = Owed(entry_id, task.id, signer, nonce)

    def _holds(self, look: Look) -> bool:
        owed = self.owed[look.key]
        return look.fence.token == owed.token and not owed.settled

    def _store(self, look: Look, signed: Any) -> OutboxEntry:
        return self.store.store_payload(
            look.entry,
            look.fence,
            signed,
            purpose=Purpose.EFFECT,
            head=HEAD,
            events=(),
            alarm=None,
            now=self.clock.now(),
        )

    def _settle(self, look: Look, receipt: Receipt) -> None:
        now = self.clock.now()
        with self.postgres.transaction(holding=look.fence) as tx:
            self.store.settle(tx, look.entry, (Event.MINE, Event.CONFIRM), receipt=receipt, reason=None, now=now)
            self.tasks.complete(tx, look.fence)


@pytest.mark.timeout(600)
def test_leases_and_fences_behave_like_the_model(database_url: str, volume: Callable[[int, int], int]) -> None:
    """Callers that die, workers that sleep, wallets that interfere, in any order."""

    class OverThisDatabase(Leases):
        postgres = Postgres(database_url)

    run_machine(OverThisDatabase, examples=volume(50, 1_000))
    OverThisDatabase.postgres.close()
