"""The bridge beside the loop that it replaces (`one_lock_loop.py`), on the same L1, which mines every two seconds.

Two hundred orders of one signer at once: their deposits are deep enough when the workers start, and an order is filled
when its payment is in a block. Workers are processes, as containers are; what a queue takes to deliver a message is in
no figure.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Family, L2Gas, Payment, Version, chain_of
from functions.bridge.wiring import SignerDeps
from infra.local.bridge.world import Wish, World
from kernel.chain_events import EvmEvent
from kernel.clock import SystemClock
from kernel.evm.blocks import Log, hexadecimal
from kernel.jsonrpc.endpoint import Endpoint
from kernel.keys.evm import LocalSigner
from tests.bench.one_lock_loop import OneLockLoop
from tests.chain.bridge.desk import RECIPIENT, Desk

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

BLOCK_S, ORDERS, WORKERS, LOOP_ORDERS, ALONE = 2.0, 200, 4, 3, 40
AMOUNT_WEI, FEE_WEI = 5 * 10**15, 10**16
GAS, MESSAGE_WEI = L2Gas(limit=1_000_000, per_pubdata_byte=800), 10**15
TO_BROADCAST = ("bridge.chain_events", "bridge.decide_order", "bridge.fill_order", "bridge.submit_l1_transaction")
DUE = """
    select id, kind from kernel.tasks
    where state = 'ready' and run_at <= now() and mod(abs(hashtext(id::text)), %(workers)s) = %(nth)s
    order by run_at, id limit 20
"""


class Container(Desk):
    """The second generation's market maker, by the real clock, its key at hand: KMS is no part of the figures."""

    def __init__(self, world: World, database_url: str, *, is_first: bool = True) -> None:
        super().__init__(world, Version.V2, database_url, SystemClock(), is_first=is_first)  # type: ignore[arg-type]  # the clock of the wall

    def _container(self) -> SignerDeps:
        deps = super()._container()
        deps.__dict__["_signer"] = LocalSigner(bytes(self.generation.market_maker.private_key))
        return deps


def lock(desk: Desk, count: int) -> list[Deposit]:
    """Users' orders."""
    users = desk.world.users
    return desk.world.lock(
        [
            Wish(
                user=users[n % len(users)],
                version=desk.version,
                recipient=RECIPIENT,
                amount_wei=AMOUNT_WEI + n,
                fee_wei=FEE_WEI,
            )
            for n in range(count)
        ]
    )


def work(database_url: str, world: World, nth: int, ends: Any) -> None:
    """One worker: what is due and its own, until told."""
    desk = Container(world, database_url, is_first=False)
    while not ends.is_set():
        due = desk.rows(DUE, workers=WORKERS, nth=nth)
        for task in due:
            desk.deliver(task)
        if not due:
            time.sleep(0.02)
    desk.close()


def filled(world: World, version: Version) -> int:
    """How many orders are paid on the chain."""
    return len(world.payments(version))


def loop_of(world: World) -> OneLockLoop:
    """The loop, as the first generation's market maker."""
    one = world.generations[Version.V1]
    key, registry = bytes(one.market_maker.private_key), one.registry.address
    return OneLockLoop(world.l1.url, world.l1.chain_id, key, registry, Version.V1, GAS, MESSAGE_WEI)


def test_two_hundred_orders_in_flight_beside_the_loop_with_one_lock(
    start_bridge_world: Callable[..., World], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Orders filled per second, from the moment that the workers start until the last is in a block."""
    world = start_bridge_world(l1_block_time_s=BLOCK_S)
    desk = Container(world, database_url)
    lock(desk, ORDERS)
    world.l2.mine(3)
    desk.minute()
    desk.close()
    fork = multiprocessing.get_context("fork")
    ends = fork.Event()
    workers = [fork.Process(target=work, args=(database_url, world, nth, ends)) for nth in range(WORKERS)]

    started_s = time.perf_counter()
    for worker in workers:
        worker.start()
    while filled(world, Version.V2) < ORDERS:
        assert all(worker.is_alive() for worker in workers)
        time.sleep(0.1)
    ours_s = time.perf_counter() - started_s
    ends.set()
    for worker in workers:
        worker.join()

    chain = chain_of(Version.V1, Family.ZKSYNC)
    payments = [
        Payment(order_id=10_000 + n, recipient=RECIPIENT, amount_wei=AMOUNT_WEI, chain=chain)
        for n in range(LOOP_ORDERS)
    ]
    told = loop_of(world).fill(payments)

    ours, loop = ORDERS / ours_s, LOOP_ORDERS / told.claimed_s[-1]
    assert (filled(world, Version.V2), filled(world, Version.V1)) == (ORDERS, LOOP_ORDERS)
    figures = f"{ORDERS} in flight, {ours:.1f} fills/s with {WORKERS} workers"
    say(f"bridge: {figures}; the loop with one lock {loop:.2f}: {ours / loop:,.0f} times as many", capsys)


@contextmanager
def counted(owner: type, method: str) -> Iterator[list[int]]:
    """How often a method is called inside the block, in the only number of the list."""
    calls, called = [0], getattr(owner, method)

    def count(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        return called(*args, **kwargs)

    setattr(owner, method, count)
    try:
        yield calls
    finally:
        setattr(owner, method, called)


def test_from_finality_to_the_broadcast(
    start_bridge_world: Callable[..., World], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An event is told when its block is deep enough: index, decide, look again, record, sign, commit, send; warm."""
    desk = Container(start_bridge_world(l1_block_time_s=BLOCK_S), database_url)
    times_s, trips = [], []
    for deposit in lock(desk, ALONE):
        desk.world.l2.mine(2)
        desk.tell(event_of(desk, deposit))
        started_s = time.perf_counter()
        for kind in TO_BROADCAST:
            [task] = [one for one in desk.due() if one["kind"] == kind and is_of(desk, one, deposit)]
            with counted(psycopg.Cursor, "execute") as statements, counted(Endpoint, "_post") as requests:
                desk.deliver(task)
            trips.append((kind, statements[0], requests[0]))
        times_s.append(time.perf_counter() - started_s)
    desk.close()

    warm_ms = [1000 * one for one in times_s[5:]]
    quartiles = ", ".join(f"{one:.0f}" for one in statistics.quantiles(warm_ms, n=4))
    say(f"bridge: finality met to broadcast p50 {statistics.median(warm_ms):.0f} ms (quartiles {quartiles})", capsys)
    last = trips[-len(TO_BROADCAST) :]
    parts = ", ".join(f"{kind.removeprefix('bridge.')} {asked} and {read}" for kind, asked, read in last)
    asked, read = (sum(numbers) for numbers in list(zip(*last, strict=True))[1:])
    say(f"bridge: {asked} round trips to the database and {read} to endpoints for the last order: {parts}", capsys)


def is_of(desk: Desk, task: dict[str, Any], deposit: Deposit) -> bool:
    """Whether a task is about this deposit: it is the only one that is not filled yet."""
    [row] = desk.rows("select payload, fence from kernel.tasks where id = %(id)s", id=task["id"])
    if task["kind"] == "bridge.submit_l1_transaction":
        return bool(row["fence"] == 0)
    told = row["payload"]
    return str(deposit.key.order_id) == told.get("order_id") or "event" in told


def event_of(desk: Desk, deposit: Deposit) -> EvmEvent:
    """What a webhook tells."""
    receipt = desk.world.l2.rpc("eth_getTransactionReceipt", hexadecimal(deposit.transaction_hash))
    log = Log.from_rpc(receipt["logs"][0])
    return EvmEvent(chain_id=desk.world.l2.chain_id, **{name: getattr(log, name) for name in Log.__slots__})


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
