"""The Solana outbox beside the naive loop that it replaces: ask for a blockhash, send, wait for the status, repeat.

Both pay from a payer of their own on the same chain (five blocks a second) in the same run; the naive loop waits for
`confirmed` and hopes, the outbox for a finalized block that two reads agree on.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest

from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.clock import SystemClock
from kernel.keys.solana import LocalSolanaSigner
from kernel.outbox.solana import SolanaIntent, SolanaOutbox, SolanaPolicy
from kernel.postgres import Postgres
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from kernel.tasks import NotClaimed, Tasks
from kernel.testing import InMemoryQueue

pytestmark = pytest.mark.bench

SINGLE, BATCHED, IN_FLIGHT, NAIVE = 300, 1_000, 100, 5
SLOT_MS, AWAY_S = 200, 0.1
POLICY = SolanaPolicy(fees=SolanaFeePolicy(), poll_s=0.2)
AMOUNT_LAMPORTS = LAMPORTS_PER_SOL // 1_000


class Payer:
    """The outbox with a funded payer and a recipient of its own."""

    def __init__(self, node: SolanaNode, database_url: str, urls: tuple[str, ...] = ()) -> None:
        self.clock = SystemClock()
        self.postgres = Postgres(database_url, self.clock)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)
        self.signer = LocalSolanaSigner(os.urandom(32))
        self.recipient = base58.encode(os.urandom(32))
        node.fund(self.signer.address, 100 * LAMPORTS_PER_SOL)
        self.pool = SolanaPool(urls or (node.url,), "localnet", self.clock)
        self.outbox = SolanaOutbox(
            self.postgres, self.tasks, self.pool, {self.signer.address: self.signer}, self.clock, policy=POLICY
        )

    def intent(self, key: str) -> SolanaIntent:
        return SolanaIntent(
            business_key=key,
            service="netting",
            cluster="localnet",
            payer=self.signer.address,
            instructions=(system_transfer(self.signer.address, self.recipient, AMOUNT_LAMPORTS),),
        )

    def record(self, *keys: str) -> list[UUID]:
        with self.postgres.transaction() as tx:
            return self.outbox.record_many(tx, [self.intent(key) for key in keys])

    def advance(self, key: str) -> None:
        (record,) = self.tasks.about(key)
        task = self.tasks.claim(record.id, "bench", 60)
        if not isinstance(task, NotClaimed):
            self.tasks.finish(task.fence, self.outbox.advance(UUID(task.payload["entry_id"]), task.fence))

    def pay(self, key: str) -> None:
        self.record(key)
        self.advance(key)

    def settled(self, key: str) -> bool:
        entry = self.outbox.entry(key)
        return entry is not None and entry.settled


def test_solana_records_per_second(
    start_solana: Callable[..., SolanaNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unsigned instructions and task committed: one at a time, and many in one transaction."""
    payer = Payer(start_solana(slot_ms=SLOT_MS), database_url)
    payer.record(*(f"warm-{number}" for number in range(20)))

    single_s = timed(lambda: [payer.record(f"single-{number}") for number in range(SINGLE)])
    batched_s = timed(lambda: payer.record(*(f"batched-{number}" for number in range(BATCHED))))

    say(f"solana outbox: {SINGLE / single_s:,.0f} single records/s, {BATCHED / batched_s:,.0f} batched", capsys)


def test_solana_from_the_record_to_the_broadcast(
    start_solana: Callable[..., SolanaNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Record, claim, simulate, price, sign, commit the bytes, send; beside a bare blockhash and send."""
    node = start_solana(slot_ms=SLOT_MS)
    payer, naive = Payer(node, database_url), Payer(node, database_url)
    times_s = [timed(partial(payer.pay, f"pay-{number}")) for number in range(60)]
    naive_s = [timed(lambda: send(naive)) for _ in range(60)]

    ours_ms, bare_ms = (1000 * statistics.median(one) for one in (times_s, naive_s))
    said = f"record to broadcast p50 {ours_ms:.1f} ms, a bare blockhash and send {bare_ms:.1f} ms"
    say(f"solana outbox: {said}: {ours_ms / bare_ms:.1f} times", capsys)


def test_solana_from_the_record_to_the_broadcast_by_providers_far_away(
    start_solana: Callable[..., SolanaNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same with two providers, each answer of which takes a while: what counts is how often we wait for them."""
    node = start_solana(slot_ms=SLOT_MS, proxied=True)
    payer, naive = (Payer(node, database_url, node.proxy_urls) for _ in range(2))
    payer.pay("warm")
    assert node.proxy is not None
    node.proxy.inject(latency_s=AWAY_S)
    times_s = [timed(partial(payer.pay, f"pay-{number}")) for number in range(15)]
    naive_s = [timed(lambda: send(naive)) for _ in range(15)]
    node.proxy.heal()

    ours_ms, bare_ms = (1000 * statistics.median(one) for one in (times_s, naive_s))
    said = f"p50 {ours_ms:.0f} ms, a bare blockhash and send {bare_ms:.0f} ms: {ours_ms / bare_ms:.1f} times"
    say(f"solana outbox: record to broadcast by two providers {1000 * AWAY_S:.0f} ms away {said}", capsys)


def test_solana_many_in_flight_beside_the_naive_loop(
    start_solana: Callable[..., SolanaNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred final through the outbox; the naive loop waits for each one's block."""
    node = start_solana(slot_ms=SLOT_MS)
    payer, naive = Payer(node, database_url), Payer(node, database_url)
    keys = [f"pay-{number}" for number in range(IN_FLIGHT)]

    ours_s = timed(lambda: pay_all(payer, keys)) / IN_FLIGHT
    naive_s = timed(lambda: naive_loop(naive, NAIVE)) / NAIVE

    assert IN_FLIGHT * AMOUNT_LAMPORTS == node.balance(payer.recipient)
    figures = (
        f"{1 / ours_s:.0f} final/s, naive loop {1 / naive_s:.1f} confirmed/s: {naive_s / ours_s:.1f} times as many"
    )
    say(f"solana outbox: {figures}", capsys)


def pay_all(payer: Payer, keys: list[str]) -> None:
    """Everything out first, then everything final."""
    payer.record(*keys)
    waiting = list(keys)
    while waiting:
        for key in waiting:
            payer.advance(key)
        waiting = [key for key in waiting if not payer.settled(key)]


def naive_loop(payer: Payer, count: int) -> None:
    """As the tutorials do it."""
    for _ in range(count):
        signature = send(payer)
        while (payer.pool.statuses([signature]) or [None])[0] is None:
            time.sleep(0.02)


def send(payer: Payer) -> str:
    """A transfer over a fresh blockhash, sent and forgotten."""
    answer = payer.pool.call("getLatestBlockhash", [{"commitment": "confirmed"}])
    transfer = system_transfer(payer.signer.address, base58.encode(os.urandom(32)), AMOUNT_LAMPORTS)
    message = compile_message(payer.signer.address, [transfer], blockhash=answer["value"]["blockhash"])
    signed = with_signatures(message, {payer.signer.address: payer.signer.sign_message(message)})
    payer.pool.broadcast(signed.raw)
    return signed.signature


def timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
