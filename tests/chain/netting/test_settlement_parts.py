"""Settlements too large for one transaction: opened, taken, given; each part once, whatever fails in between."""

import logging
from uuid import UUID

import pytest

from functions.netting.adapters.settle_steps import SETTLE
from functions.netting.core.components import Component
from functions.netting.core.packing import InParts, in_parts
from kernel.treasury.reconciliation import Balanced
from tests.chain.netting.settlement_desk import SUBMIT, Desk, settle_elsewhere, swallowing

pytestmark = pytest.mark.chain


def everything(desk: Desk) -> InParts:
    """Each wallet's items go to the next one; the first pays the others: thirteen entries, twelve of which fit."""
    wallets = [wallet.address for wallet in desk.world.wallets]
    following = {owner: wallets[(place + 1) % 5] for place, owner in enumerate(wallets)}
    items = tuple(sorted((piece.item_id, following[piece.owner.address]) for piece in desk.world.pieces))
    deltas = tuple(sorted(zip(wallets, (-10, 1, 2, 3, 4), strict=True)))
    return in_parts(Component(items=items, deltas=deltas))


def assert_settled_once(desk: Desk, batch: UUID, before: dict[str, int]) -> None:
    wallets = [wallet.address for wallet in desk.world.wallets]
    following = {owner: wallets[(place + 1) % 5] for place, owner in enumerate(wallets)}
    assert ("settled", ["settled"]) == desk.states(batch)
    assert dict(zip(wallets, (-10, 1, 2, 3, 4), strict=True)) == desk.moved(before)
    assert {piece.item_id: following[piece.owner.address] for piece in desk.world.pieces} == desk.world.owners()


def test_parts_go_in_their_order_under_one_number(desk: Desk) -> None:
    """The rent of the clearing is paid when it is opened, and comes back with the last part; all of it is booked."""
    before, plan = desk.world.locked(), everything(desk)
    batch = desk.plant(plan)
    desk.work()

    transfers = desk.rows(
        "select paid from kernel.treasury_transfers where key like %(k)s order by key", k=f"%%{batch}%%"
    )
    assert [(0, 1, 0, "confirmed"), (0, 1, 1, "confirmed"), (0, 1, 2, "confirmed")] == desk.attempts(batch)
    assert_settled_once(desk, batch, before)
    assert 1 == desk.world.config().last_batch_id
    assert sum(row["paid"] for row in transfers[1:]) == 0 < transfers[1]["paid"]
    assert isinstance(desk.check(), Balanced)


def test_a_part_whose_bytes_die_is_sent_again(desk: Desk) -> None:
    """It has no time limit: what has begun goes on. The number stays."""
    before = desk.world.locked()
    batch = desk.plant(everything(desk))
    while len(desk.attempts(batch)) < 2:
        desk.step(SETTLE, blocks=1)
        desk.step(SUBMIT, blocks=1)
    desk.step(SUBMIT, swallowing(desk))
    desk.world.node.expire()
    desk.work()

    assert_settled_once(desk, batch, before)
    assert [1] == [row["chain_batch"] for row in desk.settlements(batch)]


def test_the_program_pauses_between_two_parts(desk: Desk) -> None:
    """The part fails; what was taken stays taken. When the program goes on, the next attempt takes up where it was."""
    before, world = desk.world.locked(), desk.world
    batch = desk.plant(everything(desk))
    while len(desk.attempts(batch)) < 3:
        desk.step(SETTLE, blocks=1)
        desk.step(SUBMIT, blocks=1)
    world.do([world.program.set_paused(world.authority.address, is_paused=True)], world.authority)
    desk.work(rounds=80)
    assert ("settling", ["waiting"]) == desk.states(batch)
    world.do([world.program.set_paused(world.authority.address, is_paused=False)], world.authority)
    desk.work()

    ends = [(step, end) for _, _, step, end in desk.attempts(batch)]
    assert (2, "paused") in ends and (2, "confirmed") == ends[-1]
    assert_settled_once(desk, batch, before)
    assert 1 == world.config().last_batch_id


def test_an_opening_that_is_overtaken_begins_anew(desk: Desk) -> None:
    """Its number is used elsewhere: nothing was taken, and it opens under the next. A part that was sent fails, too."""
    before = desk.world.locked()
    batch = desk.plant(everything(desk))
    desk.step(SETTLE)
    settle_elsewhere(desk, 4)
    desk.work()

    assert [(0, 1, 0, "batch_not_new"), (0, 1, 1, "wrong_account"), (0, 2, 0, "confirmed")] == desk.attempts(batch)[:3]
    assert [5] == [row["chain_batch"] for row in desk.settlements(batch)]
    assert_settled_once(desk, batch, before)


def test_who_has_asked_for_an_item_back_stops_parts_before_they_begin(desk: Desk) -> None:
    """It could leave before it is given, when others have paid already."""
    world, piece = desk.world, desk.world.pieces[0]
    world.do([world.program.request_item(piece.number, piece.owner.address)], piece.owner)
    world.node.finalize()
    batch = desk.plant(everything(desk))
    desk.work()

    assert ("abandoned", ["abandoned"], 0) == (*desk.states(batch), desk.reserved(batch))
    assert "asked_back" == desk.settlements(batch)[0]["reason"]


def test_an_item_that_is_gone_after_the_first_debit_calls_a_person(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It can neither be given up nor go on: the funds wait in the clearing."""
    world = desk.world
    batch = desk.plant(everything(desk))
    while len(desk.attempts(batch)) < 3:
        desk.step(SETTLE, blocks=1)
        desk.step(SUBMIT, blocks=1)
    piece = next(one for one in reversed(world.pieces) if world.item(one.number).owner == one.owner.address)  # type: ignore[union-attr]  # all are there
    call = world.program.withdraw_item(piece.number, piece.owner.address, piece.mint, world.authority.address)
    world.do([call], piece.owner, world.authority)
    with caplog.at_level(logging.ERROR):
        desk.work(rounds=80)

    assert "netting.stuck" in {record.__dict__.get("alarm") for record in caplog.records}
    assert ("settling", ["waiting"]) == desk.states(batch)
    assert 0 < desk.reserved(batch)
