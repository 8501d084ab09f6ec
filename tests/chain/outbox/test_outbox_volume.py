"""Many in flight from one signer, recorded and submitted by several workers at once: all confirmed, no gap."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel.outbox.evm import State
from kernel.tasks import NotClaimed
from tests.chain.outbox.desk import Desk, recipient
from tests.chain.workbench import LEASE_S

pytestmark = pytest.mark.chain

SEED, WORKERS, BATCH = 812_576, 6, 5
TO_ALL = "all"  # one recipient, whose balance counts the effects


def test_two_hundred_in_flight_from_one_signer(
    desk: Desk, volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Recorded by six at once and submitted in any order by six at once, before a block takes any of them."""
    count = volume(240, 2_400)
    record_property("seed", SEED)
    keys = [f"pay-{number}" for number in range(count)]
    desk.hold_blocks()
    colleagues = [desk.colleague() for _ in range(WORKERS)]
    share(colleagues, [keys[start : start + BATCH] for start in range(0, count, BATCH)], record)
    shuffled = random.Random(SEED).sample(keys, k=count)
    share(colleagues, [shuffled[n::WORKERS] for n in range(WORKERS)], submit)
    pool = desk.node.rpc("txpool_status")

    assert (int(pool["pending"], 16), int(pool["queued"], 16)) == (count, 0)
    while desk.nonce() < count:
        desk.node.mine()
    desk.clock.advance(1)
    share(colleagues, [keys[n::WORKERS] for n in range(WORKERS)], submit)
    entries = desk.rows("select nonce, state, leases, settled_at from kernel.evm_outbox order by nonce")
    payloads = desk.rows("select count(*) as signed from kernel.evm_payloads")
    assert [row["nonce"] for row in entries] == list(range(count))
    assert {(row["state"], row["leases"]) for row in entries} == {(State.CONFIRMED, 1)}
    assert payloads == [{"signed": count}]
    assert (desk.received(TO_ALL), desk.nonce()) == (7 * count, count)


def record(desk: Desk, keys: Sequence[str]) -> None:
    """One transaction of a caller."""
    desk.record(*keys, to=recipient(TO_ALL))


def submit(desk: Desk, keys: Sequence[str]) -> None:
    """One run of each submit task; a node that cannot keep up costs another."""
    outbox = desk.outbox()
    for key in keys:
        [found] = desk.tasks.about(key)
        task = desk.tasks.claim(found.id, "worker", LEASE_S)
        assert not isinstance(task, NotClaimed), task
        desk.tasks.finish(task.fence, outbox.advance(task.payload["entry_id"], task.fence))


def share(desks: Sequence[Desk], work: Sequence[Sequence[str]], do: Callable[[Desk, Sequence[str]], None]) -> None:
    """Deal the work out to the desks, each in a thread of its own."""

    def all_of(number: int) -> None:
        for part in work[number :: len(desks)]:
            do(desks[number], part)

    with ThreadPoolExecutor(len(desks)) as threads:
        list(threads.map(all_of, range(len(desks))))
