"""Whole settlements on a real node: in order, booked to the lamport, whoever lacks a ledger, shorter by tables."""

import pytest

from functions.netting.adapters.obligations import rent_lamports
from functions.netting.core.packing import Whole
from infra.local.netting.wallets import Wallet
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
    assert isinstance(desk.check(), Balanced)


def test_two_batches_at_once_share_the_lane(desk: Desk) -> None:
    """Whose settlement comes first is chance; every number is given once, and every root told."""
    first, second = desk.plant(desk.sale(0, 1, 100), desk.sale(2, 3, 250)), desk.plant(desk.sale(4, 0, 70))
    desk.work()

    numbers = [row["chain_batch"] for batch in (first, second) for row in desk.settlements(batch)]
    roots = desk.rows("select number, state from netting.state_roots order by number")
    assert [1, 2, 3] == sorted(numbers)
    assert [{"number": 1, "state": "settled"}, {"number": 2, "state": "settled"}] == roots
    assert {(0, 1, 0, "confirmed"), (1, 1, 0, "confirmed")} == {*desk.attempts(first), *desk.attempts(second)}


def test_the_outcome_of_a_batch_is_pinned(desk: Desk) -> None:
    """Each settlement's number and signature, by which anybody finds it on the chain."""
    batch = desk.plant(desk.sale(0, 1, 100))
    desk.work()

    told = desk.kernel.pinning.read(f"netting:{batch}:outcome").plain.decode()
    [row] = desk.settlements(batch)
    assert f'"chain_batch":1,"signature":"{row["signature"]}","slot":{row["slot"]},"reason":null' in told


def test_a_ledger_is_opened_for_whoever_lacks_one(desk: Desk) -> None:
    """Before anything is sent; the authority pays its rent, and that is in the books."""
    newcomer, payer = Wallet.named("newcomer").address, desk.world.wallets[0].address
    paid = Whole(items=(), deltas=tuple(sorted([(newcomer, 5), (payer, -5)])))
    batch = desk.plant(paid)
    desk.work()

    [opening] = desk.rows("select paid, state from kernel.treasury_transfers where key like 'netting:ledgers:%%'")
    assert {"paid": rent_lamports(64), "state": "confirmed"} == opening
    assert ("settled", ["settled"]) == desk.states(batch)
    assert 5 == getattr(desk.world.ledger(newcomer), "locked", None)
    assert isinstance(desk.check(), Balanced)


def test_somebody_else_opens_the_ledger_first(desk: Desk) -> None:
    """Our opening fails, which costs a fee; the chain is read again, and the batch goes on."""
    newcomer, payer = Wallet.named("newcomer").address, desk.world.wallets[0].address
    batch = desk.plant(Whole(items=(), deltas=tuple(sorted([(newcomer, 5), (payer, -5)]))))
    desk.step("netting.settle_batch")
    desk.world.do([desk.world.program.open_ledger(newcomer, desk.world.payer.address)], desk.world.payer)
    desk.work()

    [opening] = desk.rows("select paid, state from kernel.treasury_transfers where key like 'netting:ledgers:%%'")
    assert {"paid": 0, "state": "failed"} == opening
    assert ("settled", ["settled"]) == desk.states(batch)
    assert isinstance(desk.check(), Balanced)


def test_accounts_come_into_a_table_and_shorten_the_next_settlement(desk: Desk) -> None:
    """All eight items sold, then sold back: thirteen entries fit into one transaction only by the table."""
    world = desk.world
    wallets = [wallet.address for wallet in world.wallets]
    owners = {piece.item_id: piece.owner.address for piece in world.pieces}
    shifted = {owner: wallets[(place + 1) % 5] for place, owner in enumerate(wallets)}
    funds = tuple(sorted((wallet, lamports) for wallet, lamports in zip(wallets, (4, -1, -1, -1, -1), strict=True)))
    first = [Whole(items=((item, shifted[owner]),), deltas=()) for item, owner in sorted(owners.items())]
    desk.plant(*first, Whole(items=(), deltas=funds))
    desk.work()
    _index(desk)
    back = Whole(items=tuple(sorted(owners.items())), deltas=tuple((wallet, -amount) for wallet, amount in funds))
    batch = desk.plant(back)
    desk.work()

    [table] = desk.rows("select address, members from netting.lookup_tables")
    [entry] = desk.rows(
        "select lookup_tables from kernel.solana_outbox where business_key like %(key)s",
        key=f"treasury/netting:settlement:{batch}:%",
    )
    assert 2 + 8 + 5 == table["members"]
    assert [table["address"]] == entry["lookup_tables"]
    assert ("settled", ["settled"]) == desk.states(batch)
    assert owners == world.owners()
    assert isinstance(desk.check(), Balanced)


def _index(desk: Desk) -> None:
    """What was settled is read back, so far as the next settlement asks for it."""
    with desk.office.transaction() as tx:
        tx.execute("delete from netting.reservations")
        for item, owner in desk.world.owners().items():
            tx.execute("update netting.item_ownership set owner = %(o)s where item_id = %(i)s", o=owner, i=item)
