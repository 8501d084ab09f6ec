"""Transfers and memos on a local cluster, and a program cursor that follows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from infra.local.solana import SolanaNode
from kernel.chain_events import Delivery, SolanaEvent
from kernel.keys.solana import LocalSolanaSigner
from kernel.postgres import Postgres
from kernel.solana.pool import SolanaPool
from kernel.solana.program_cursor import Budget, ProgramCursor, ProgramWatch, Progress, Wanted
from kernel.solana.transactions import AccountUse, Instruction, compile_message, system_transfer, with_signatures
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.chain.cursors.stand import ROLE

KIND: Final = "oracle.hear"
MEMO: Final = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
RECEIVER: Final = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"


@dataclass
class Bench:
    """One address on one cluster; `cursor()` is a new process each time."""

    node: SolanaNode
    database_url: str
    urls: Sequence[str] = ()
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.signer = LocalSolanaSigner(self.node.payer_secret[:32])
        self.postgres = Postgres(self.database_url, self.clock, role=ROLE)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)
        self.sender = self.pool([self.node.url])
        self.sent: list[str] = []

    def pool(self, urls: Sequence[str] = ()) -> SolanaPool:
        every = tuple(urls or self.urls or (self.node.url,))
        return SolanaPool(every, "localnet", self.clock, survey_ttl_s=0.0)

    def watch(self, **changes: Any) -> ProgramWatch:
        fields: dict[str, Any] = {
            "name": "receiver",
            "cluster": "localnet",
            "address": RECEIVER,
            "kind": KIND,
            "wanted": Wanted.TRANSACTIONS,
        }
        return ProgramWatch(**fields | changes)

    def cursor(self, pool: SolanaPool | None = None, **changes: Any) -> ProgramCursor:
        return ProgramCursor(self.postgres, self.tasks, pool or self.pool(), self.watch(**changes), self.clock)

    def advance(self, pool: SolanaPool | None = None, budget: Budget | None = None, **changes: Any) -> Progress:
        """One turn of a new process."""
        return self.cursor(pool, **changes).advance(budget)

    def send(self, *instructions: Instruction) -> str:
        """A transaction in a block of its own; not final yet."""
        blockhash = self.sender.latest_blockhash().value
        message = compile_message(self.signer.address, instructions, blockhash=blockhash)
        signed = with_signatures(message, {self.signer.address: self.signer.sign_message(message)})
        assert any(delivery.accepted for delivery in self.sender.broadcast(signed.raw))
        self.node.mine()
        self.sent.append(signed.signature)
        return signed.signature

    def transfer(self, times: int = 1, *, lamports: int = 1_000_000) -> list[str]:
        """Transfers to the receiver, each of another amount, so that each is another transaction."""
        first = len(self.sent)
        return [
            self.send(system_transfer(self.signer.address, RECEIVER, lamports + first + offset))
            for offset in range(times)
        ]

    def memo(self, text: str) -> str:
        """A memo that names the receiver by a transfer, and says what it is told to."""
        memo = Instruction(program=MEMO, accounts=(AccountUse(self.signer.address, signer=True),), data=text.encode())
        return self.send(memo, system_transfer(self.signer.address, RECEIVER, 2_000_000 + len(self.sent)))

    def heard(self) -> list[SolanaEvent]:
        """Every event, in the order of its sequence, which has no gap."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select business_key, payload from kernel.tasks where kind = %(kind)s", kind=KIND)
        told = sorted((Delivery.from_json(row["payload"]) for row in rows), key=lambda one: one.sequence)
        assert sorted(one.event.identity for one in told) == sorted(row["business_key"] for row in rows)
        assert [one.sequence for one in told] == list(range(1, len(told) + 1))
        return [event for one in told if isinstance(event := one.event, SolanaEvent)]

    def signatures(self) -> list[str]:
        """The transactions that were delivered, in order."""
        return [event.signature for event in self.heard()]
