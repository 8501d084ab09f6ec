"""Durable nonces: bytes that do not grow old, the release that kills them, and one open entry an account."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.solana import LAMPORTS_PER_SOL
from kernel.keys.solana import LocalSolanaSigner
from kernel.outbox.solana import Purpose, State
from kernel.tasks import Retry
from tests.chain.outbox_solana.desk import AMOUNT_LAMPORTS, Desk, MutePool, SwallowingPool
from tests.chain.outbox_solana.nonces import advance_elsewhere, nonce_account, value

pytestmark = pytest.mark.chain


def test_an_effect_over_a_durable_nonce_lands_once_and_advances_it(desk: Desk) -> None:
    """Confirmed, and the account is free for the next entry."""
    account = nonce_account(desk)
    before = value(desk, account)
    desk.record("pay-1", durable_nonce=account)
    entry = desk.settle("pay-1")

    assert (State.CONFIRMED, 1, before) == (entry.state, desk.effects("pay-1"), entry.payloads[0].blockhash)
    assert (None, account) == (entry.payloads[0].last_valid_block_height, entry.payloads[0].durable_nonce)
    assert before != value(desk, account)
    assert [None] == [row["entry_id"] for row in desk.rows("select entry_id from kernel.solana_nonces")]


def test_bytes_over_a_durable_nonce_outlive_every_blockhash(desk: Desk) -> None:
    """The worker dies before it sends; a thousand blocks later the same bytes go out and land."""
    desk.record("pay-1", durable_nonce=nonce_account(desk))
    desk.node.pause()
    desk.policy = replace(desk.policy, stuck_after_s=10_000)
    desk.step("pay-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    first = desk.entry("pay-1").payloads[0]
    for _ in range(3):
        desk.node.expire()
        desk.step("pay-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    entry = desk.settle("pay-1")

    assert (State.CONFIRMED, (first.signature,), 1) == (
        entry.state,
        tuple(one.signature for one in entry.payloads),
        desk.effects("pay-1"),
    )


def test_a_nonce_that_somebody_else_advanced_is_signed_over_anew(desk: Desk) -> None:
    """The first bytes are dead, as the account shows, and unknown to every node: one effect, by the second."""
    account = nonce_account(desk)
    desk.record("pay-1", durable_nonce=account)
    desk.step("pay-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    advance_elsewhere(desk, account)
    entry = desk.settle("pay-1")

    assert (State.CONFIRMED, 2, 1) == (entry.state, len(entry.payloads), desk.effects("pay-1"))
    assert entry.payloads[1].unit_price > entry.payloads[0].unit_price


def test_an_advance_proves_nothing_before_its_block_is_final(desk: Desk) -> None:
    """It may have been ours, and nodes show accounts before they show statuses."""
    account = nonce_account(desk)
    desk.record("pay-1", durable_nonce=account)
    mute = desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock))
    desk.step("pay-1", mute)
    advance_elsewhere(desk, account)
    counts = []
    for blocks in (10, 21, 1):
        desk.step("pay-1", mute)
        counts.append(len(desk.entry("pay-1").payloads))
        desk.node.mine(blocks)
    desk.step("pay-1", mute)

    assert [1, 1, 1, 2] == [*counts, len(desk.entry("pay-1").payloads)]


def test_an_unwanted_effect_over_a_nonce_is_released_and_cancelled(desk: Desk) -> None:
    """Nobody took it in time: the nonce is advanced by a payload without the effect, and only then is it over."""
    account = nonce_account(desk)
    desk.record("late", durable_nonce=account, valid_until=desk.clock.now() + timedelta(seconds=5))
    desk.step("late", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    desk.clock.advance(6)
    entry = desk.settle("late")

    assert [Purpose.EFFECT, Purpose.RELEASE] == [payload.purpose for payload in entry.payloads]
    assert (State.CANCELLED, "expired", 0) == (entry.state, entry.reason, desk.effects("late"))
    assert value(desk, account) not in {payload.blockhash for payload in entry.payloads}
    assert 100 * LAMPORTS_PER_SOL - (entry.fee_lamports or 0) == desk.node.balance(desk.payer)


def test_the_effect_may_win_against_its_release(desk: Desk) -> None:
    """Both are out over one value, and the chain takes one: it was the effect, late as it is."""
    account = nonce_account(desk)
    desk.record("late", durable_nonce=account, valid_until=desk.clock.now() + timedelta(seconds=5))
    mute = desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock))
    desk.step("late", mute)
    desk.clock.advance(6)
    desk.step("late", mute)
    effect, release = desk.entry("late").payloads
    desk.pool().broadcast(effect.raw)
    desk.node.mine()
    desk.pool().broadcast(release.raw)
    entry = desk.settle("late")

    assert (Purpose.RELEASE, effect.blockhash) == (release.purpose, release.blockhash)
    assert (State.CONFIRMED, effect.signature, 1) == (entry.state, entry.signature, desk.effects("late"))


def test_an_effect_that_nobody_takes_at_its_price_is_released_and_signed_dearer(desk: Desk) -> None:
    """Over a nonce nothing expires by itself: after stuck_after_s the entry makes room for a better offer."""
    desk.record("pay-1", durable_nonce=nonce_account(desk))
    swallowing = desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock))
    desk.step("pay-1", swallowing)
    desk.clock.advance(60)
    entry = desk.settle("pay-1")

    assert [Purpose.EFFECT, Purpose.RELEASE, Purpose.EFFECT] == [payload.purpose for payload in entry.payloads]
    prices = [payload.unit_price for payload in entry.payloads]
    assert prices == sorted(set(prices))
    paid = AMOUNT_LAMPORTS + (entry.fee_lamports or 0)
    assert 100 * LAMPORTS_PER_SOL - paid == desk.node.balance(desk.payer)
    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("pay-1"))


def test_one_nonce_account_serves_one_open_entry_at_a_time(desk: Desk) -> None:
    """The second would kill the first: it waits, unsigned, and goes on when the first has settled."""
    account = nonce_account(desk)
    desk.record("first", "second", durable_nonce=account)
    desk.step("first")
    outcome = desk.step("second")

    assert isinstance(outcome, Retry)
    assert ("another entry uses the durable nonce", ()) == (outcome.reason, desk.entry("second").payloads)
    assert [State.CONFIRMED, State.CONFIRMED] == [desk.settle(key).state for key in ("first", "second")]
    assert [1, 1] == [desk.effects("first"), desk.effects("second")]


def test_a_nonce_of_somebody_else_is_alarmed(desk: Desk) -> None:
    """Nobody among the signers may advance it: nothing is signed that could not land."""
    stranger = LocalSolanaSigner(os.urandom(32)).address
    desk.record("pay-1", durable_nonce=nonce_account(desk, authority=stranger))
    desk.step("pay-1")

    assert (State.RECORDED, "nonce_authority", ()) == (
        desk.entry("pay-1").state,
        desk.entry("pay-1").alarm,
        desk.entry("pay-1").payloads,
    )
