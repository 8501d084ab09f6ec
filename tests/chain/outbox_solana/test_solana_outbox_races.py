"""Several workers at once, messages twice, clocks apart: one signature, one effect."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from kernel.errors import LeaseLost
from kernel.keys.solana import LocalSolanaSigner, SignedMessage
from kernel.outbox.solana import State
from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Tasks
from kernel.testing import FakeClock
from tests.chain.outbox_solana.desk import Desk, MutePool, SwallowingPool
from tests.chain.workbench import LEASE_S
from tests.races import at_once

pytestmark = pytest.mark.chain


class SlowSigner(LocalSolanaSigner):
    """Signs, and is then held up until its task has another worker."""

    __slots__ = ("meanwhile",)
    meanwhile: Callable[[], object]

    def sign(self, message: bytes) -> SignedMessage:
        signed = super().sign(message)
        self.meanwhile()
        return signed


def test_a_stale_worker_cannot_store_its_signature(desk: Desk) -> None:
    """Its lease ran out while it signed: nothing of it is stored, so nothing of it is ever broadcast."""
    desk.record("pay-1")
    slow = SlowSigner(desk.seed)

    def overtake() -> None:
        desk.clock.advance(LEASE_S + 1)
        desk.claim("pay-1")

    slow.meanwhile = overtake

    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=slow))
    assert ((), State.RECORDED, 0) == (
        desk.entry("pay-1").payloads,
        desk.entry("pay-1").state,
        desk.effects("pay-1"),
    )
    assert State.CONFIRMED == desk.settle("pay-1").state
    assert 1 == desk.effects("pay-1")


def test_two_invocations_take_the_same_task(desk: Desk) -> None:
    """The second overtakes the first while it signs, over another blockhash; the first finds its lease lost."""
    desk.record("pay-1")
    slow = SlowSigner(desk.seed)

    def overtake() -> None:
        desk.clock.advance(LEASE_S + 1)
        desk.node.mine(3)
        desk.step("pay-1")

    slow.meanwhile = overtake

    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=slow))
    assert 1 == len(desk.entry("pay-1").payloads)
    assert State.CONFIRMED == desk.settle("pay-1").state
    assert 1 == desk.effects("pay-1")


def test_two_workers_who_both_saw_the_bytes_dead_sign_once(desk: Desk) -> None:
    """Both proved it, both signed; the place of the second payload is taken once, and so is the effect."""
    desk.record("pay-1")
    desk.step("pay-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    desk.node.expire()
    slow = SlowSigner(desk.seed)

    def overtake() -> None:
        desk.clock.advance(LEASE_S + 1)
        desk.node.mine(3)
        desk.step("pay-1")

    slow.meanwhile = overtake

    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=slow))
    assert 2 == len(desk.entry("pay-1").payloads)
    assert State.CONFIRMED == desk.settle("pay-1").state
    assert 1 == desk.effects("pay-1")


def test_a_lease_outlived_by_its_holder(desk: Desk) -> None:
    """What it sends late is committed bytes, which are the same for all; only its note of the answer is refused."""
    (entry_id,) = desk.record("pay-1")
    desk.step("pay-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    desk.wait_until_due("pay-1")
    stale = desk.claim("pay-1")
    desk.clock.advance(LEASE_S + 1)
    fresh = desk.claim("pay-1")
    mute = desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock))
    mute.advance(entry_id, fresh.fence)

    with pytest.raises(LeaseLost):
        desk.outbox().advance(entry_id, stale.fence)
    assert (1, 1) == (len(desk.entry("pay-1").payloads), desk.effects("pay-1"))
    desk.node.mine()
    assert State.CONFIRMED == desk.settle("pay-1").state
    assert 1 == desk.effects("pay-1")


def test_every_message_twice(desk: Desk) -> None:
    """The second delivery finds the task held, or not due, or done; a worker that looks twice does nothing twice."""
    desk.record("pay-1")
    (record,) = desk.tasks.about("pay-1")
    refused = 0
    while not desk.entry("pay-1").settled:
        desk.wait_until_due("pay-1")
        task = desk.claim("pay-1")
        refused += isinstance(desk.tasks.claim(record.id, "the second", LEASE_S), NotClaimed)
        desk.outbox().advance(UUID(task.payload["entry_id"]), task.fence)
        refused += isinstance(desk.tasks.claim(record.id, "the second", LEASE_S), NotClaimed)
        desk.tasks.finish(task.fence, desk.outbox().advance(UUID(task.payload["entry_id"]), task.fence))
        refused += isinstance(desk.tasks.claim(record.id, "the second", LEASE_S), NotClaimed)
        desk.node.mine(12)

    assert refused >= 9
    assert (1, 1) == (len(desk.entry("pay-1").payloads), desk.effects("pay-1"))


@pytest.mark.parametrize("ahead_s", [-5, 5])
def test_clocks_five_seconds_apart(desk: Desk, ahead_s: int) -> None:
    """Two containers take turns: one finds leases and deadlines shifted, and the same chain."""
    other_clock = FakeClock(desk.clock.now() + timedelta(seconds=ahead_s))
    other = replace(desk, clock=other_clock)
    other.tasks = Tasks(Postgres(desk.database_url, other_clock, role=desk.role), desk.queue, other_clock)
    desk.record("pay-1", valid_until=desk.clock.now() + timedelta(seconds=120))
    desk.step("pay-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    desk.node.expire()
    for turn in range(12):
        if desk.entry("pay-1").settled:
            break
        (desk, other)[turn % 2].step("pay-1")
        desk.node.mine(12)

    entry = desk.entry("pay-1")
    assert (State.CONFIRMED, 2, 1) == (entry.state, len(entry.payloads), desk.effects("pay-1"))


def test_concurrent_records_of_one_key_make_one_obligation(desk: Desk) -> None:
    """Eight threads race for the same business key, each sure to be the first."""
    found = at_once(range(8), lambda _: desk.record_elsewhere("pay-1"))

    assert (8, 1) == (len(found), len({tuple(ids) for ids in found}))
    assert 1 == len(desk.tasks.about("pay-1"))


def test_batches_with_the_same_keys_in_another_order_do_not_wait_for_each_other(desk: Desk) -> None:
    """Eight threads, the same forty keys, each shuffled: no deadlock, forty obligations."""
    keys = [f"pay-{number}" for number in range(40)]
    at_once(range(8), lambda worker: desk.record_elsewhere(*keys[worker * 5 :], *keys[: worker * 5]))

    assert [{"count": 40}] == desk.rows("select count(*) from kernel.solana_outbox")
