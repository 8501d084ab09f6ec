"""Scenarios from the field, each by its name: one effect, whatever happens on the way.

Told elsewhere beside their kin: an RPC that accepts and then answers an error, a transaction that the mempool dropped,
a nonce that another wallet program used (`test_outbox_faults`), a process that dies at any step (tests/crash/outbox).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.errors import LeaseLost, Transient
from kernel.evm.blocks import hexadecimal
from kernel.evm.transactions import SignedTransaction, UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.outbox.evm import OutboxEntry, Purpose, State
from kernel.tasks import NotClaimed
from kernel.tasks.model import Task
from kernel.testing import FakeClock
from tests.chain.outbox.desk import Desk, DyingPool, DyingSigner
from tests.chain.outbox.test_outbox_faults import spend_elsewhere
from tests.chain.workbench import LEASE_S, Died
from tests.races import at_once

pytestmark = pytest.mark.chain


SLOTS_IN_AN_EPOCH = 32  # anvil calls a block final two epochs later: 64 blocks


def assert_paid_once(desk: Desk, entry: OutboxEntry, nonces: int = 1) -> None:
    assert (entry.state, desk.received(entry.business_key), desk.nonce()) == (State.CONFIRMED, 7, nonces)


@pytest.mark.parametrize("dies", ["before signing", "after signing", "after storing", "after sending"])
def test_a_nonce_is_leased_and_then_the_process_dies(desk: Desk, dies: str) -> None:
    """Whatever is stored is sent by the next holder; the nonce after it is mined, too."""
    desk.record("pay-1", "pay-2")
    if dies == "after signing":
        with pytest.raises(Died):
            desk.step("pay-1", desk.outbox(signer=DyingSigner(desk.private_key)))
    elif dies != "before signing":
        pool = DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=dies == "after sending")
        with pytest.raises(Died):
            desk.step("pay-1", desk.outbox(pool=pool))
    desk.step("pay-2")

    assert desk.settle("pay-1").state == desk.settle("pay-2").state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.received("pay-2"), desk.nonce()) == (7, 7, 2)


def test_a_nonce_is_leased_and_its_process_dies_for_longer_than_the_effect_is_wanted(desk: Desk) -> None:
    """Nothing was signed: the next holder fills the nonce by a no-op, and the one after it is mined."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=30))
    desk.record("pay-2")
    desk.claim("late")  # and nobody hears of that worker again
    desk.step("pay-2")
    desk.clock.advance(LEASE_S + 1)

    assert [payload.purpose for payload in desk.settle("late").payloads] == [Purpose.CANCELLATION]
    assert desk.settle("pay-2").state == State.CONFIRMED
    assert (desk.received("late"), desk.received("pay-2"), desk.nonce()) == (0, 7, 2)


class LateSigner(LocalSigner):
    """A signing service that signs, and whose answer comes after the time-out, the first `late` times."""

    __slots__ = ("late", "signed")
    late: int
    signed: list[bytes]

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        signed = super().sign_transaction(payload)
        self.signed.append(signed.hash)
        if len(self.signed) <= self.late:
            raise SigningTimedOut
        return signed


class SigningTimedOut(Transient):
    """The signing service did not answer in time."""


def test_a_signer_times_out_after_having_signed(desk: Desk) -> None:
    """Three signatures exist somewhere that nobody stored, at three prices: none of them was sent, one effect comes."""
    signer = LateSigner(desk.private_key)
    signer.late, signer.signed = 3, []
    desk.record("pay-1")
    outbox = desk.outbox(signer=signer)
    for _ in range(3):
        desk.wait_until_due("pay-1")
        task = desk.claim("pay-1")
        with pytest.raises(SigningTimedOut) as timed_out:
            outbox.advance(desk.entry("pay-1").id, task.fence)
        desk.tasks.finish(task.fence, timed_out.value)
        desk.node.rpc("anvil_setNextBlockBaseFeePerGas", hex((2 + len(signer.signed)) * 10**9))
        desk.node.mine()
    desk.step("pay-1", outbox)

    [stored] = desk.entry("pay-1").payloads
    assert stored.hash == signer.signed[-1]
    assert len(set(signer.signed)) == 4
    assert_paid_once(desk, desk.settle("pay-1"))


def test_an_rpc_accepts_and_then_answers_an_error(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """Both endpoints did: the transaction is found by its stored hash, and nothing is signed again."""
    faulty_desk.record("pay-1")
    fault_proxy.inject(send="error")
    faulty_desk.step("pay-1")
    fault_proxy.heal()
    entry = faulty_desk.settle("pay-1")

    assert len(entry.payloads) == 1
    assert_paid_once(faulty_desk, entry)


def test_a_transaction_is_dropped_from_every_mempool(desk: Desk) -> None:
    """Twice, after it was accepted: the same bytes go out again each time."""
    desk.hold_blocks()
    desk.record("pay-1")
    for _ in range(2):
        desk.step("pay-1")
        desk.node.rpc("anvil_dropTransaction", hexadecimal(desk.entry("pay-1").payloads[0].hash))
    desk.step("pay-1")
    desk.node.mine()
    entry = desk.settle("pay-1")

    assert len(entry.payloads) == 1
    assert_paid_once(desk, entry)


def test_the_nonce_is_used_by_another_wallet_program(desk: Desk) -> None:
    """Between our lease and our broadcast: the obligation goes on at the next nonce, and so do those behind it."""
    desk.record("pay-1", "pay-2")
    spend_elsewhere(desk)
    desk.step("pay-1")
    desk.step("pay-2")

    for key, nonce in (("pay-1", 2), ("pay-2", 1)):
        entry = desk.settle(key)
        assert (entry.state, entry.nonce, desk.received(key)) == (State.CONFIRMED, nonce, 7)
    assert desk.nonce() == 3


@pytest.mark.parametrize("depth", [1, 10, 64])
def test_a_reorganisation_takes_the_block_away(
    start_anvil: Callable[..., AnvilNode], database_url: str, depth: int
) -> None:
    """The entry is reopened, the same bytes go out again, and the effect is there once at the end."""
    node = start_anvil(slots_in_an_epoch=SLOTS_IN_AN_EPOCH)
    desk = Desk(node, database_url, (node.url,))
    desk.policy = replace(desk.policy, confirmations=None)
    node.mine(70)
    desk.record("pay-1")
    desk.step("pay-1")
    if depth > 1:
        node.mine(depth - 1)
    desk.step("pay-1")
    before = desk.entry("pay-1")
    node.rpc("anvil_reorg", depth, [])
    received = desk.received("pay-1")
    desk.step("pay-1")

    assert (before.state, received, desk.entry("pay-1").state) == (State.MINED, 0, State.BROADCAST)
    desk.step("pay-1")
    assert desk.entry("pay-1").state == State.MINED
    node.mine(2 * SLOTS_IN_AN_EPOCH)
    entry = desk.settle("pay-1")
    assert (len(entry.payloads), entry.leases) == (1, 1)
    assert_paid_once(desk, entry)


def test_two_invocations_take_the_same_task(desk: Desk) -> None:
    """Eight at the same moment, again and again: one of them gets it each time, and it is paid once."""
    [entry_id] = desk.record("pay-1")
    [record] = desk.tasks.about("pay-1")
    colleagues = [desk.colleague() for _ in range(8)]

    def claim(colleague: Desk) -> Task[dict[str, Any]] | NotClaimed:
        return colleague.tasks.claim(record.id, "any", LEASE_S)

    taken: list[int] = []
    while not desk.entry("pay-1").settled:
        desk.wait_until_due("pay-1")
        tasks = [task for task in at_once(colleagues, claim) if isinstance(task, Task)]
        taken.append(len(tasks))
        for task in tasks:
            desk.tasks.finish(task.fence, desk.outbox().advance(entry_id, task.fence))

    assert set(taken) == {1}
    assert_paid_once(desk, desk.entry("pay-1"))


def test_every_message_is_delivered_twice(desk: Desk) -> None:
    """At once, to two invocations that run side by side: twenty obligations, twenty effects."""
    keys = [f"pay-{number}" for number in range(20)]
    desk.record(*keys)
    colleagues, deliveries = [desk.colleague() for _ in range(2)], 0
    for _ in range(40):
        if all(desk.entry(key).settled for key in keys):
            break
        messages = desk.queue.receive("oracle-submit-transaction", most=1_000, visibility_s=3_600)
        deliveries += 2 * len(messages)
        at_once(colleagues, lambda one, told=messages: deliver(one, told))  # type: ignore[misc]  # bound at once
        desk.clock.advance(1)

    assert {desk.entry(key).state for key in keys} == {State.CONFIRMED}
    assert deliveries >= 80
    assert [desk.received(key) for key in keys] == [7] * 20
    assert desk.nonce() == 20


def test_a_colleague_whose_clock_is_five_seconds_ahead_takes_over_early(desk: Desk) -> None:
    """By its clock the lease is over, by the holder's it is not: the token decides, and the bytes are stored once."""
    ahead = desk.colleague(FakeClock(desk.clock.now() + timedelta(seconds=5)))
    desk.hold_blocks()
    [entry_id] = desk.record("pay-1")
    held = desk.claim("pay-1")
    for clock in (desk.clock, ahead.clock):
        clock.advance(LEASE_S - 3)
    taken = ahead.claim("pay-1")
    ahead.tasks.finish(taken.fence, ahead.outbox().advance(entry_id, taken.fence))
    with pytest.raises(LeaseLost):
        desk.tasks.finish(held.fence, desk.outbox().advance(entry_id, held.fence))

    assert len(desk.entry("pay-1").payloads) == 1
    desk.node.mine()
    assert_paid_once(desk, ahead.settle("pay-1"))


def test_a_colleague_whose_clock_is_five_seconds_behind_takes_over_late(desk: Desk) -> None:
    """By the holder's clock its lease is over, by the other's it is not: it keeps the token, and goes on."""
    behind = desk.colleague(FakeClock(desk.clock.now() - timedelta(seconds=5)))
    desk.hold_blocks()
    [entry_id] = desk.record("pay-1")
    [record] = desk.tasks.about("pay-1")
    held = desk.claim("pay-1")
    for clock in (desk.clock, behind.clock):
        clock.advance(LEASE_S + 3)
    refused = behind.tasks.claim(record.id, "behind", LEASE_S)
    desk.tasks.finish(held.fence, desk.outbox().advance(entry_id, held.fence))

    assert isinstance(refused, NotClaimed)
    desk.node.mine()
    assert_paid_once(desk, behind.settle("pay-1"))


def test_a_lease_is_outlived_by_its_holder(desk: Desk) -> None:
    """It slept between its look and its signature: another one has paid by then, and its own bytes are never stored."""
    desk.record("pay-1")
    sleeper = Sleeper(desk.private_key)
    colleague = desk.colleague()

    def meanwhile() -> None:
        desk.clock.advance(LEASE_S + 1)
        colleague.settle("pay-1")

    sleeper.meanwhile = meanwhile
    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=sleeper))

    assert len(desk.entry("pay-1").payloads) == 1
    assert_paid_once(desk, desk.entry("pay-1"))


class Sleeper(LocalSigner):
    """Signs after a long sleep."""

    __slots__ = ("meanwhile",)
    meanwhile: Callable[[], object]

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        self.meanwhile()
        return super().sign_transaction(payload)


def deliver(desk: Desk, messages: Sequence[Any]) -> None:
    """Work each message off as a container does, whoever else has it."""
    outbox = desk.outbox()
    for message in messages:
        task = desk.tasks.claim(message.body["task_id"], "container", LEASE_S)
        if isinstance(task, NotClaimed):
            continue
        desk.tasks.finish(task.fence, outbox.advance(task.payload["entry_id"], task.fence))
