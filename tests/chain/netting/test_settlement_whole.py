"""Whole settlements on a real node: in their order, booked to the lamport, whoever lacks a ledger."""

import pytest

from kernel.treasury.reconciliation import Balanced
from tests.chain.netting.settlement_desk import Desk

pytestmark = pytest.mark.chain


def test_a_batch_is_settled_in_the_order_of_its_numbers(desk: Desk) -> None:
    """Three settlements, one after the other; items and funds move, the root is told, fees and rents are booked."""
    before = desk.world.locked()
    batch = desk.plant(desk.sale(0, 1, 100), desk.sale(2, 3, 250), desk.sale(4, 0, 70))
    desk.work()

    rows = desk.settlements(batch)
    one, two, three, four, five = (wallet.address for wallet in desk.world.wallets)
    assert ("settled", ["settled"] * 3) == desk.states(batch)
    assert [1, 2, 3] == [row["chain_batch"] for row in rows]
    assert [row["slot"] for row in rows] == sorted(row["slot"] for row in rows)
    assert {one: 30, two: -100, three: 250, four: -250, five: 70} == desk.moved(before)
    assert (two, four, one) == tuple(desk.world.owners()[f"item-{n}"] for n in (1, 3, 5))
    assert 3 == desk.world.config().last_batch_id
    [root] = desk.rows("select number, state from netting.state_roots")
    assert {"number": 1, "state": "settled"} == root
    assert isinstance(desk.check(), Balanced)
