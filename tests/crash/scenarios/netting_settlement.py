"""A sale's whole way: netted, its metadata published, settled by the program, its root told, and indexed again."""

from datetime import timedelta

from kernel.treasury.reconciliation import Balanced
from tests.crash.harness.netting_desk import DEPLOYED, FUNDS_LAMPORTS, ITEM, PRICE_LAMPORTS, NettingDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World


@scenario("netting-settlement", solana=DEPLOYED, shares=8)
def netting_settlement(world: World) -> None:
    """The schedule asks for a netting; its batch is settled; the cursor reads what the program did.

    The next netting publishes what somebody decided who died before he published it.
    """
    desk = NettingDesk(world)
    world.ask(desk.ask)
    desk.work()
    desk.ask(later=timedelta(minutes=1))
    desk.work()
    world.once("the settlement is final", desk.finalize)
    desk.listen()
    desk.work()


@netting_settlement.beginning
def open_the_market(world: World) -> None:
    """A seller's item and a buyer's funds, both of this run's own, in a program of this run's own."""
    NettingDesk(world).open()


@netting_settlement.verdict
def sold_once_and_booked(world: World) -> None:
    """The item is the buyer's, for the price once; all tables and books say what the program says."""
    desk = NettingDesk(world)
    batches = world.rows("select state from netting.batches")
    assert batches or not world.caller_returns, "nothing was netted"
    sold = len(batches)
    expected = {
        desk.seller.address: FUNDS_LAMPORTS + PRICE_LAMPORTS * sold,
        desk.buyer.address: FUNDS_LAMPORTS - PRICE_LAMPORTS * sold,
    }
    assert desk.market.locked() == expected, desk.market.locked()
    owner = desk.buyer.address if sold else desk.seller.address
    assert desk.market.owners() == {ITEM: owner}, desk.market.owners()
    assert desk.market.config().last_batch_id == sold, desk.market.config()
    _tables_say_so(world, sold, expected, owner)
    verdict = desk.checked()
    assert isinstance(verdict, Balanced), verdict


def _tables_say_so(world: World, sold: int, expected: dict[str, int], owner: str) -> None:
    told = {
        "batches": [row["state"] for row in world.rows("select state from netting.batches")],
        "settlements": [row["state"] for row in world.rows("select state from netting.settlements")],
        "attempts": [row["ended"] for row in world.rows("select ended from netting.settlement_attempts")],
        "intents": [row["state"] for row in world.rows("select state from netting.intents")],
        "roots": [row["state"] for row in world.rows("select state from netting.state_roots")],
        "reservations": world.rows("select * from netting.reservations"),
    }
    assert told == {
        "batches": ["indexed"] * sold,
        "settlements": ["indexed"] * sold,
        "attempts": ["confirmed"] * sold,
        "intents": ["settled" if sold else "pending"],
        "roots": ["settled"] * sold,
        "reservations": [],
    }, told
    balances = world.rows("select wallet, locked_lamports from netting.wallet_balances")
    assert {row["wallet"]: row["locked_lamports"] for row in balances} == expected, balances
    items = world.rows("select owner from netting.item_ownership")
    assert [row["owner"] for row in items] == [owner], items
