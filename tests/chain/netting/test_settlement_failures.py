"""Settlements that fail, that can never be, that are dropped and overtaken: whatever happens, none settles twice."""

import logging
from collections.abc import Iterator

import pytest

from functions.netting.adapters.program_accounts import Numbered
from functions.netting.adapters.settle_steps import SETTLE
from functions.netting.core.packing import Whole
from infra.local.netting import records
from infra.local.netting.world import World
from kernel.ledger import Ledger, Posting
from kernel.testing.kernel import FakedKernel
from kernel.treasury.reconciliation import Balanced
from tests.chain.netting.settlement_desk import SUBMIT, Desk, settle_elsewhere, swallowing

pytestmark = pytest.mark.chain

SOL = 10**9


def test_a_number_that_was_used_elsewhere_is_refused_and_given_anew(desk: Desk) -> None:
    """The settlement waits again, gets a number above, and settles once. What the key's use cost shows in the books."""
    before = desk.world.locked()
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    settle_elsewhere(desk, 7)
    desk.work()

    assert [(0, 1, 0, "batch_not_new"), (0, 2, 0, "confirmed")] == desk.attempts(batch)
    assert 8 == desk.settlements(batch)[0]["chain_batch"]
    assert {100, -100} == {*desk.moved(before).values()}
    assert -5_000 == getattr(desk.check(), "amount", None)


def test_a_landed_settlement_is_dropped_and_overtaken(desk: Desk) -> None:
    """A node says that it landed, and takes it back; its successor lands first. Its own bytes are refused, once dead
    it gets another number, and both settle once."""
    before = desk.world.locked()
    batch = desk.plant(desk.sale(0, 1, 100), desk.sale(2, 3, 250))
    desk.step(SETTLE)
    desk.step(SUBMIT, swallowing(desk))
    [entry] = desk.rows("select id from kernel.solana_outbox")
    with desk.office.transaction() as tx:  # what a node said of a block that is gone
        tx.execute("update kernel.solana_outbox set state = 'landed' where id = %(id)s", id=entry["id"])
    desk.step(SETTLE)
    first, second = (row["state"] for row in desk.settlements(batch))
    assert ("landed", "sent") == (first, second)
    while desk.world.config().last_batch_id < 2:
        [task] = desk.rows(
            "select id, kind from kernel.tasks where kind = %(k)s order by created_at desc limit 1", k=SUBMIT
        )
        desk.world.node.mine()
        desk.clock.advance(1)
        desk.deliver(task)
    desk.work()

    assert [(0, 1, 0, "batch_not_new"), (1, 1, 0, "confirmed"), (0, 2, 0, "confirmed")] == desk.attempts(batch)
    assert [3, 2] == [row["chain_batch"] for row in desk.settlements(batch)]
    assert {100, -100, 250, -250} == {*desk.moved(before).values()}
    assert isinstance(desk.check(), Balanced)


def test_bytes_that_never_landed_are_given_up_before_another_number(desk: Desk) -> None:
    """Nodes swallow them until their blockhash is dead and their time is over; then comes the next attempt."""
    before = desk.world.locked()
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    desk.step(SUBMIT, swallowing(desk))
    desk.clock.advance(121)
    desk.world.node.expire()
    desk.work()

    assert [(0, 1, 0, "expired"), (0, 2, 0, "confirmed")] == desk.attempts(batch)
    assert {100, -100} == {*desk.moved(before).values()}


def test_a_paused_program_holds_the_batch(desk: Desk) -> None:
    """Nothing is sent, no fee is paid; it goes on when the program does."""
    world = desk.world
    world.do([world.program.set_paused(world.authority.address, is_paused=True)], world.authority)
    world.node.finalize()
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.work(rounds=8)
    assert ("netted", ["waiting"], []) == (*desk.states(batch), desk.attempts(batch))
    world.do([world.program.set_paused(world.authority.address, is_paused=False)], world.authority)
    desk.work()

    assert ("settled", ["settled"]) == desk.states(batch)


def test_a_program_that_is_paused_in_between_refuses(desk: Desk) -> None:
    """What was recorded fails, and waits until the program goes on."""
    world = desk.world
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    world.do([world.program.set_paused(world.authority.address, is_paused=True)], world.authority)
    desk.work(rounds=60)
    assert ("settling", ["waiting"], [(0, 1, 0, "paused")]) == (*desk.states(batch), desk.attempts(batch))
    world.do([world.program.set_paused(world.authority.address, is_paused=False)], world.authority)
    desk.work()

    assert [(0, 1, 0, "paused"), (0, 2, 0, "confirmed")] == desk.attempts(batch)


def test_another_authority_calls_a_person(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is sent that the program would refuse."""
    batch = desk.plant(desk.sale(0, 1, 100))
    strange = desk.container()
    strange.settling._prospects._authority = desk.world.wallets[0].address
    with caplog.at_level(logging.ERROR):
        desk.step(SETTLE, strange)

    assert ["netting.wrong_authority"] == [record.__dict__["alarm"] for record in caplog.records]
    assert ("netted", ["waiting"], []) == (*desk.states(batch), desk.attempts(batch))


def test_an_item_that_was_withdrawn_by_the_escape_hatch_ends_its_settlement(desk: Desk) -> None:
    """Nothing of it happened; its reservations are released. The other settlement goes on."""
    world = desk.world
    before = world.locked()
    batch = desk.plant(desk.sale(0, 1, 100), desk.sale(2, 3, 250))
    piece = world.pieces[0]
    call = world.program.withdraw_item(piece.number, piece.owner.address, piece.mint, world.authority.address)
    world.do([call], piece.owner, world.authority)
    world.node.finalize()
    desk.work()

    assert ("settled", ["abandoned", "settled"]) == desk.states(batch)
    assert "item_gone" == desk.settlements(batch)[0]["reason"]
    assert {250, -250} == {*desk.moved(before).values()}
    assert [] == desk.rows("select * from netting.reservations where ordinal = 0")


def test_an_item_that_leaves_in_between_fails_and_is_then_given_up(desk: Desk) -> None:
    """After the look and before the landing: the program refuses, the next look finds it gone."""
    world, piece = desk.world, desk.world.pieces[0]
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    call = world.program.withdraw_item(piece.number, piece.owner.address, piece.mint, world.authority.address)
    world.do([call], piece.owner, world.authority)
    desk.work()

    assert ("abandoned", ["abandoned"]) == desk.states(batch)
    assert [(0, 1, 0, "wrong_account")] == desk.attempts(batch)
    assert isinstance(desk.check(), Balanced)


def test_an_item_of_another_owner_is_not_taken_from_them(desk: Desk) -> None:
    """The program would move it, taking our word: the chain is read, and the settlement given up."""
    world, piece = desk.world, desk.world.pieces[0]
    batch = desk.plant(desk.sale(0, 1, 100))
    other = world.wallets[4].address
    call = desk.deps.calls.settle_net_batch(
        1, bytes(32), Whole(items=((piece.item_id, other),), deltas=()), Numbered({piece.item_id: piece.number})
    )
    world.do([call], world.authority)
    world.node.finalize()
    desk.work()

    assert ("abandoned", ["abandoned"]) == desk.states(batch)
    assert "not_owner" == desk.settlements(batch)[0]["reason"]
    assert other == world.owners()[piece.item_id]


def test_funds_that_left_end_the_settlement(desk: Desk) -> None:
    """Withdrawn past the reservation: a buyer who has less than it is to pay."""
    world = desk.world
    batch = desk.plant(desk.sale(0, 1, 5 * SOL))
    buyer = world.wallets[1]
    world.do([world.program.withdraw(buyer.address, 6 * SOL, world.authority.address)], buyer, world.authority)
    world.node.finalize()
    desk.work()

    assert ("abandoned", ["abandoned"]) == desk.states(batch)
    assert "insufficient_funds" == desk.settlements(batch)[0]["reason"]
    assert (0, 4 * SOL) == (desk.reserved(batch), world.locked()[buyer.address])


def test_three_failures_in_a_row_call_a_person(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """And the settlement goes on all the same."""
    batch = desk.plant(desk.sale(0, 1, 100))
    with caplog.at_level(logging.ERROR):
        for number in range(1, 4):
            while len(desk.attempts(batch)) < number:
                desk.step(SETTLE, blocks=16)
            settle_elsewhere(desk, 10 * number)
            while desk.attempts(batch)[-1][-1] is None:
                desk.step(SUBMIT, blocks=16)
    alarms = [record.__dict__.get("alarm") for record in caplog.records]
    desk.work()

    assert ["netting.settlement_failures"] == alarms
    assert [(0, n, 0, "batch_not_new") for n in (1, 2, 3)] + [(0, 4, 0, "confirmed")] == desk.attempts(batch)
    assert [0] == [row["failures"] for row in desk.rows("select failures from netting.batches")]


def test_an_empty_wallet_of_the_authority_sends_nothing(desk: Desk) -> None:
    """What the books cannot set aside is not owed; the batch waits, nothing of it is half recorded."""
    batch = desk.plant(desk.sale(0, 1, 100))
    wallet = desk.deps.treasury.wallet(desk.settings.chain, desk.settings.authority)
    ledger = Ledger(desk.clock)
    with desk.office.transaction() as tx:
        held = ledger.balance(tx, wallet.account, wallet.asset)
        postings = [Posting(wallet.account, wallet.asset, -held), Posting(wallet.outside, wallet.asset, held)]
        ledger.post(tx, business_key="all of it", service="netting", postings=postings)
    desk.work(rounds=6)

    assert ("netted", ["waiting"], []) == (*desk.states(batch), desk.attempts(batch))
    assert [] == desk.rows("select * from kernel.solana_outbox")


@pytest.fixture
def proxied(proxied_world: World, kernel: FakedKernel, database_url: str, known: None) -> Iterator[Desk]:
    """A desk behind two RPC identities."""
    desk = Desk(proxied_world, kernel, database_url, proxied_world.node.proxy_urls)
    yield desk
    desk.close()


@pytest.fixture
def known(proxied_world: World, kernel: FakedKernel, database_url: str) -> None:
    """It is in the tables."""
    records.record(proxied_world, database_url, kernel.envelope, kernel.clock)
    records.open_books(proxied_world, database_url, kernel.clock)


def test_a_dead_endpoint_is_gone_around(proxied: Desk) -> None:
    """The other one is enough to send; the funds move once."""
    assert proxied.world.node.proxy is not None
    before = proxied.world.locked()
    batch = proxied.plant(proxied.sale(0, 1, 100))
    proxied.step(SETTLE)
    proxied.world.node.proxy["primary"].inject(outage=True)
    proxied.work(SUBMIT)
    proxied.world.node.proxy.heal()
    proxied.work()

    assert ("settled", ["settled"]) == proxied.states(batch)
    assert {100, -100} == {*proxied.moved(before).values()}


def test_a_forgetful_endpoint_makes_nothing_settle_twice(proxied: Desk) -> None:
    """One of two denies that it has ever seen what landed: nothing is signed anew."""
    assert proxied.world.node.proxy is not None
    before = proxied.world.locked()
    batch = proxied.plant(proxied.sale(0, 1, 100))
    proxied.step(SETTLE)
    proxied.step(SUBMIT)
    proxied.world.node.proxy["primary"].inject(signatures="forgotten")
    proxied.world.node.expire()
    proxied.clock.advance(121)
    proxied.work(rounds=40)
    proxied.world.node.proxy.heal()
    proxied.work()

    assert [(0, 1, 0, "confirmed")] == proxied.attempts(batch)
    assert {100, -100} == {*proxied.moved(before).values()}
    assert 1 == proxied.world.config().last_batch_id
