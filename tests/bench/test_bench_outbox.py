"""The outbox beside the naive loop that it replaces: ask for the nonce, send, wait for the receipt, repeat.

Both pay the same recipient from a signer of their own on the same chain (one block a second) in the same run.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from eth_account import Account

from infra.local.anvil import AnvilNode
from kernel.clock import SystemClock
from kernel.evm.blocks import hexadecimal, quantity
from kernel.evm.fees import GWEI, FeePolicy
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Endpoint
from kernel.keys.evm import LocalSigner
from kernel.outbox.evm import EvmIntent, EvmOutbox, OutboxPolicy
from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Tasks
from kernel.testing import InMemoryQueue

pytestmark = pytest.mark.bench

SINGLE, BATCHED, IN_FLIGHT, NAIVE = 300, 1_000, 100, 4
POLICY = OutboxPolicy(fees=FeePolicy(fee_cap_wei=200 * GWEI, tip_cap_wei=5 * GWEI), confirmations=1, poll_s=0.2)
RECIPIENT = "0x" + "11" * 20


class Payer:
    """The outbox with a funded signer."""

    def __init__(self, node: AnvilNode, database_url: str) -> None:
        self.clock = SystemClock()
        self.postgres = Postgres(database_url, self.clock)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)
        self.signer = LocalSigner(fund(node))
        pool = RpcPool((node.url,), node.chain_id, self.clock)
        self.outbox = EvmOutbox(
            self.postgres, self.tasks, pool, {self.signer.address: self.signer}, self.clock, policy=POLICY
        )
        self.chain_id = node.chain_id
        self.outbox.open_signers()

    def intent(self, key: str) -> EvmIntent:
        return EvmIntent(
            business_key=key,
            service="oracle",
            chain_id=self.chain_id,
            signer=self.signer.address,
            to=RECIPIENT,
            data=b"",
            value_wei=1,
            gas_limit=30_000,
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


def test_records_per_second(
    start_anvil: Callable[..., AnvilNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nonce lease, unsigned payload and task committed: one at a time, and many in one transaction."""
    node = start_anvil(block_time_s=1)
    payer = Payer(node, database_url)
    payer.record(*(f"warm-{number}" for number in range(20)))

    single_s = timed(lambda: [payer.record(f"single-{number}") for number in range(SINGLE)])
    batched_s = timed(lambda: payer.record(*(f"batched-{number}" for number in range(BATCHED))))

    naive_s = timed(lambda: naive_loop(node, fund(node), NAIVE))
    single, batched, naive = SINGLE / single_s, BATCHED / batched_s, NAIVE / naive_s

    ratios = f"{single / naive:,.0f} and {batched / naive:,.0f} times the naive loop's {naive:.1f}"
    say(f"outbox: {single:,.0f} single records/s, {batched:,.0f} batched: {ratios}", capsys)


def test_from_the_record_to_the_broadcast(
    start_anvil: Callable[..., AnvilNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Record, claim, look, sign, commit the bytes, send: what one transaction waits before it is out."""
    node = start_anvil(block_time_s=1)
    payer = Payer(node, database_url)
    times_s = [timed(partial(payer.pay, f"pay-{number}")) for number in range(60)]
    naive_s: list[float] = []
    naive_loop(node, fund(node), NAIVE, naive_s)
    ours_ms, naive_ms = 1000 * statistics.median(times_s), 1000 * statistics.median(naive_s)

    figures = f"p50 {ours_ms:.1f} ms, naive loop {naive_ms:.1f} ms until it has sent: {ours_ms / naive_ms:.1f} times"
    say(f"outbox: record to broadcast {figures}", capsys)


def test_many_in_flight_beside_the_naive_loop(
    start_anvil: Callable[..., AnvilNode], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred confirmed through the outbox; the naive loop gets one into each block."""
    node = start_anvil(block_time_s=1)
    payer = Payer(node, database_url)
    keys = [f"pay-{number}" for number in range(IN_FLIGHT)]

    ours_s = timed(lambda: pay_all(payer, keys)) / IN_FLIGHT
    naive_s = timed(lambda: naive_loop(node, fund(node), NAIVE)) / NAIVE

    assert quantity(node.rpc("eth_getBalance", RECIPIENT, "latest")) == IN_FLIGHT + NAIVE
    figures = f"{1 / ours_s:.0f} confirmed/s, naive loop {1 / naive_s:.1f}: {naive_s / ours_s:.0f} times as many"
    say(f"outbox: {figures}", capsys)


def pay_all(payer: Payer, keys: list[str]) -> None:
    """Everything out first, then everything confirmed."""
    payer.record(*keys)
    waiting = list(keys)
    while waiting:
        for key in waiting:
            payer.advance(key)
        waiting = [key for key in waiting if not payer.settled(key)]


def naive_loop(node: AnvilNode, key: bytes, count: int, until_sent_s: list[float] | None = None) -> None:
    """As the tutorials do it; `until_sent_s` takes how long each took until it was out."""
    account, rpc = Account.from_key(key), Endpoint(node.url, timeout_s=10)
    for _ in range(count):
        started_s = time.perf_counter()
        transaction = {
            "type": 2,
            "chainId": node.chain_id,
            "nonce": quantity(rpc.call("eth_getTransactionCount", [account.address, "latest"])),
            "to": RECIPIENT,
            "value": 1,
            "gas": 30_000,
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        }
        sent = rpc.call("eth_sendRawTransaction", [hexadecimal(account.sign_transaction(transaction).raw_transaction)])
        if until_sent_s is not None:
            until_sent_s.append(time.perf_counter() - started_s)
        while rpc.call("eth_getTransactionReceipt", [sent]) is None:
            time.sleep(0.02)


def fund(node: AnvilNode) -> bytes:
    """A fresh key with a thousand coins."""
    key = os.urandom(32)
    node.rpc("anvil_setBalance", LocalSigner(key).address, hex(1_000 * 10**18))
    return key


def timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
