"""A desk at which the Solana outbox is worked by hand: real Postgres, a real node, and clocks that tests move."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.clock import Clock
from kernel.hashes import sha256
from kernel.keys.solana import LocalSolanaSigner, SignedMessage, SolanaSigner
from kernel.outbox.solana import SolanaEntry, SolanaIntent, SolanaOutbox, SolanaPolicy
from kernel.postgres import Postgres
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import Delivery, SolanaPool
from kernel.solana.transactions import system_transfer
from kernel.tasks import NotClaimed, Outcome, Tasks
from kernel.tasks.model import Task
from kernel.testing import FakeClock, InMemoryQueue
from kernel.treasury.switch import KillSwitch

LEASE_S = 60.0
# The outbox works with the rights of a slice, never with more.
ROLE = "counterpart_netting"
ROUNDS_MAX = 60
POLICY = SolanaPolicy(fees=SolanaFeePolicy(price_floor=100, price_cap=1_000_000))
# Above the rent of an account that holds nothing else.
AMOUNT_LAMPORTS = 1_000_000


class Died(BaseException):
    """The process dies here; no except clause of ours may catch it."""


class DyingSigner(LocalSolanaSigner):
    """Signs, and then its process dies before anybody hears of it."""

    __slots__ = ()

    def sign(self, message: bytes) -> SignedMessage:
        super().sign(message)
        raise Died


class DyingPool(SolanaPool):
    """Dies right before or right after the bytes leave."""

    def __init__(self, urls: Sequence[str], clock: Clock, *, after_sending: bool) -> None:
        super().__init__(urls, "localnet", clock)
        self._after_sending = after_sending

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        if self._after_sending:
            super().broadcast(raw)
        raise Died


class MutePool(SolanaPool):
    """Its broadcasts reach nobody, and nobody answers them."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return []


class SwallowingPool(SolanaPool):
    """Its nodes take what is sent, say so, and forget it."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return [Delivery(endpoint="swallower", accepted=True)]


@dataclass
class Desk:
    """One payer, one cluster whose blocks come on demand, one database. `outbox()` is a new process each time."""

    node: SolanaNode
    database_url: str
    urls: tuple[str, ...]
    policy: SolanaPolicy = POLICY
    clock: FakeClock = field(default_factory=FakeClock)
    seed: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.signer = LocalSolanaSigner(self.seed)
        self.payer = self.signer.address
        self.node.fund(self.payer, 100 * LAMPORTS_PER_SOL)
        self.postgres = Postgres(self.database_url, self.clock, role=ROLE)
        self.queue = InMemoryQueue(self.clock)
        self.tasks = Tasks(self.postgres, self.queue, self.clock)
        self.others: dict[str, SolanaSigner] = {}

    def pool(self) -> SolanaPool:
        return SolanaPool(self.urls, "localnet", self.clock)

    def outbox(
        self,
        signer: SolanaSigner | None = None,
        pool: SolanaPool | None = None,
        clock: Clock | None = None,
        switch: KillSwitch | None = None,
    ) -> SolanaOutbox:
        signer = signer or self.signer
        return SolanaOutbox(
            self.postgres,
            self.tasks,
            pool or self.pool(),
            {**self.others, signer.address: signer},
            clock or self.clock,
            policy=self.policy,
            switch=switch,
        )

    def intent(self, key: str, **changes: Any) -> SolanaIntent:
        """A transfer to an address of this key's own: its balance then counts the effects."""
        fields: dict[str, Any] = {
            "business_key": key,
            "service": "netting",
            "cluster": "localnet",
            "payer": self.payer,
            "instructions": (system_transfer(self.payer, recipient(key), AMOUNT_LAMPORTS),),
        }
        return SolanaIntent(**{**fields, **changes})

    def record(self, *keys: str, **changes: Any) -> list[UUID]:
        outbox = self.outbox()
        with self.postgres.transaction() as tx:
            return outbox.record_many(tx, [self.intent(key, **changes) for key in keys])

    def entry(self, key: str) -> SolanaEntry:
        entry = self.outbox().entry(key)
        assert entry is not None, key
        return entry

    def claim(self, key: str) -> Task[dict[str, Any]]:
        (record,) = self.tasks.about(key)
        task = self.tasks.claim(record.id, "desk", LEASE_S)
        assert not isinstance(task, NotClaimed), task
        return task

    def step(self, key: str, outbox: SolanaOutbox | None = None) -> Outcome:
        """One run of the submit task; a Died leaves the task leased, as a dead process does."""
        self.wait_until_due(key)
        task = self.claim(key)
        outcome = (outbox or self.outbox()).advance(UUID(task.payload["entry_id"]), task.fence)
        self.tasks.finish(task.fence, outcome)
        return outcome

    def settle(self, key: str, blocks: int = 8) -> SolanaEntry:
        """Run the task until the entry is settled; so many blocks come between two runs."""
        outbox = self.outbox()
        for _ in range(ROUNDS_MAX):
            entry = self.entry(key)
            if entry.settled:
                return entry
            self.step(key, outbox)
            self.node.mine(blocks)
        raise AssertionError(f"not settled: {self.entry(key)}")

    def wait_until_due(self, key: str) -> None:
        (record,) = self.tasks.about(key)
        self.advance_to(max(record.run_at, record.lease_until or record.run_at))

    def advance_to(self, moment: datetime) -> None:
        self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))

    def effects(self, key: str) -> int:
        """How often the key's recipient was paid."""
        paid, rest = divmod(self.node.balance(recipient(key)), AMOUNT_LAMPORTS)
        assert 0 == rest
        return paid

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.postgres.transaction() as tx:
            return tx.all(sql)


def recipient(key: str) -> str:
    """An address that nobody else uses."""
    return base58.encode(sha256(key.encode()))
