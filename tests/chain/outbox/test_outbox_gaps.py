"""Nonces that the chain waits for and nobody is going to use: filled on proof, by an obligation of their own."""

from typing import Any

import pytest

from kernel.evm.blocks import hexadecimal
from kernel.outbox.evm import State
from kernel.outbox.evm.gaps import Gaps
from kernel.outbox.evm.store import OutboxStore
from tests.chain.outbox.desk import ETHER, Desk, recipient

pytestmark = pytest.mark.chain


def gap_key(desk: Desk, nonce: int) -> str:
    return f"gap:{desk.node.chain_id}:{desk.signer.address}:{nonce}"


def begin_too_high(desk: Desk, *, by: int) -> None:
    """The first count was read from somebody who exaggerated."""
    desk.node.rpc("anvil_setNonce", desk.signer.address, hex(by))
    desk.outbox().open_signers()
    desk.node.rpc("anvil_setNonce", desk.signer.address, "0x0")


def send_elsewhere(desk: Desk, nonce: int, **changes: Any) -> str:
    """Another wallet program sends at this nonce; its hash."""
    desk.node.rpc("anvil_impersonateAccount", desk.signer.address)
    transaction = {"from": desk.signer.address, "to": recipient("elsewhere"), "value": hex(ETHER), "nonce": hex(nonce)}
    return desk.node.send(**{**transaction, **changes})


def wait_for_the_alarm(desk: Desk, key: str) -> None:
    """Sent, and looked at when waiting has become odd."""
    desk.step(key)
    desk.clock.advance(31)
    desk.step(key)
    assert desk.entry(key).alarm == "nonce_gap"


def test_a_gap_below_the_first_lease_is_filled_and_everything_is_mined(desk: Desk) -> None:
    """Three nonces that nobody ever leased: one transfer of nothing each, in order, then the obligation itself."""
    begin_too_high(desk, by=3)
    desk.record("pay-1")
    wait_for_the_alarm(desk, "pay-1")
    for nonce in range(3):
        desk.clock.advance(31)
        desk.step("pay-1")
        assert desk.settle(gap_key(desk, nonce)).state == State.CONFIRMED

    entry = desk.settle("pay-1")
    assert (entry.state, entry.nonce, entry.leases, entry.alarm) == (State.CONFIRMED, 3, 1, None)
    assert (desk.received("pay-1"), desk.nonce()) == (7, 4)


def test_a_filler_is_an_obligation_of_nobodys_that_the_same_worker_submits(desk: Desk) -> None:
    """Its own key, the service kernel, a transfer of nothing to oneself, and the kind of task that found it."""
    begin_too_high(desk, by=1)
    desk.record("pay-1", submit_kind="oracle.submit_fast")
    wait_for_the_alarm(desk, "pay-1")
    desk.clock.advance(31)
    desk.step("pay-1")
    filler = desk.entry(gap_key(desk, 0))

    assert (filler.service, filler.nonce, filler.state) == ("kernel", 0, State.RECORDED)
    assert (filler.to, filler.value_wei, filler.data, filler.gas_limit) == (desk.signer.address, 0, b"", 21_000)
    assert [task.kind for task in desk.tasks.about(gap_key(desk, 0))] == ["oracle.submit_fast"]


def test_the_business_is_not_told_of_a_filler(desk: Desk) -> None:
    """The slice knows no such obligation."""
    begin_too_high(desk, by=1)
    desk.record("pay-1")
    wait_for_the_alarm(desk, "pay-1")
    desk.clock.advance(31)
    desk.step("pay-1")
    told: list[str] = []
    for _ in range(5):
        if desk.entry(gap_key(desk, 0)).settled:
            break
        desk.wait_until_due(gap_key(desk, 0))
        task = desk.claim(gap_key(desk, 0))
        outcome = desk.outbox().advance(
            desk.entry(gap_key(desk, 0)).id, task.fence, lambda _, entry: told.append(entry.business_key)
        )
        desk.tasks.finish(task.fence, outcome)

    assert (desk.entry(gap_key(desk, 0)).state, told) == (State.CONFIRMED, [])


def test_a_gap_is_not_filled_before_its_alarm_is_old(desk: Desk) -> None:
    """Another wallet program may only be slow."""
    begin_too_high(desk, by=1)
    desk.record("pay-1")
    wait_for_the_alarm(desk, "pay-1")
    desk.clock.advance(20)
    desk.step("pay-1")

    assert desk.outbox().entry(gap_key(desk, 0)) is None


def test_a_nonce_at_which_something_is_pending_is_no_gap(desk: Desk) -> None:
    """Another wallet program's transaction waits there for a block: nothing is filled, and it is mined in the end."""
    desk.hold_blocks()
    send_elsewhere(desk, 0)
    desk.record("pay-1")
    wait_for_the_alarm(desk, "pay-1")
    desk.clock.advance(60)
    desk.step("pay-1")

    assert (desk.entry("pay-1").nonce, desk.outbox().entry(gap_key(desk, 0))) == (1, None)
    assert desk.settle("pay-1", mine=True).state == State.CONFIRMED
    assert (desk.entry("pay-1").alarm, desk.nonce()) == (None, 2)


def test_a_gap_left_by_another_wallets_dropped_transaction_is_filled(desk: Desk) -> None:
    """It was pending when we leased behind it, and the mempool forgot it."""
    desk.hold_blocks()
    dropped = send_elsewhere(desk, 0)
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.rpc("anvil_dropTransaction", dropped)
    for _ in range(2):
        desk.clock.advance(31)
        desk.step("pay-1")
    desk.clock.advance(31)
    desk.step("pay-1")

    assert desk.settle(gap_key(desk, 0), mine=True).state == State.CONFIRMED
    assert desk.settle("pay-1", mine=True).state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.received("elsewhere"), desk.nonce()) == (7, 0, 2)


def test_a_filler_whose_nonce_is_used_after_all_just_ends(desk: Desk) -> None:
    """Somebody else used the nonce before the filler was sent: all that it owed has happened."""
    begin_too_high(desk, by=1)
    desk.record("pay-1")
    wait_for_the_alarm(desk, "pay-1")
    desk.clock.advance(31)
    desk.step("pay-1")
    send_elsewhere(desk, 0)

    filler = desk.settle(gap_key(desk, 0))
    assert (filler.state, filler.leases, filler.nonce) == (State.CANCELLED, 1, 0)
    assert "foreign transaction" in (filler.reason or "")
    assert desk.settle("pay-1").state == State.CONFIRMED
    assert desk.nonce() == 2


def test_two_that_find_the_same_gap_fill_it_once(desk: Desk) -> None:
    """Two obligations wait behind it, each with a worker of its own."""
    begin_too_high(desk, by=1)
    desk.record("pay-1", "pay-2")
    for key in ("pay-1", "pay-2"):
        desk.step(key)
    for _ in range(2):
        desk.clock.advance(61)
        for key in ("pay-1", "pay-2"):
            desk.step(key)

    assert len(desk.rows("select 1 from kernel.evm_outbox where nonce = 0")) == 1
    assert len(desk.tasks.about(gap_key(desk, 0))) == 1
    for key in (gap_key(desk, 0), "pay-1", "pay-2"):
        assert desk.settle(key).state == State.CONFIRMED
    assert desk.nonce() == 3


def test_a_worker_that_comes_late_fills_nothing(desk: Desk) -> None:
    """It saw the gap before another one filled it: under the lock on the signer's row it finds the nonce taken."""
    begin_too_high(desk, by=1)
    desk.record("pay-1")
    task = desk.claim("pay-1")
    store = OutboxStore(desk.postgres)
    gaps = Gaps(desk.postgres, desk.tasks, desk.pool(), store, desk.clock)
    for _ in range(2):
        gaps.fill(desk.entry("pay-1"), task.fence, 0)

    assert len(desk.rows("select 1 from kernel.evm_outbox where nonce = 0")) == 1
    assert desk.settle(gap_key(desk, 0)).state == State.CONFIRMED


def test_an_open_obligation_at_the_nonce_is_no_gap(desk: Desk) -> None:
    """Its own worker is late; nobody else takes its nonce."""
    desk.record("late", "pay-1")
    desk.step("pay-1")
    for _ in range(3):
        desk.clock.advance(61)
        desk.step("pay-1")

    assert (desk.entry("pay-1").alarm, desk.outbox().entry(gap_key(desk, 0))) == (None, None)
    assert [desk.settle(key).state for key in ("late", "pay-1")] == [State.CONFIRMED] * 2
    assert desk.entry("late").transaction_hash is not None
    assert hexadecimal(desk.entry("late").transaction_hash or b"") != ""
