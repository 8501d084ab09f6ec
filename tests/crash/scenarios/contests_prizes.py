"""A contest, from its entries to its rake; and one that is cancelled, to the last refund."""

from tests.crash.harness.contests_desk import ENTRANTS, FEE_LAMPORTS, KEPT_LAMPORTS, ContestsDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

OBLIGATIONS = "select kind, wallet, lamports, state, attempts from contests.obligations order by kind, line"
ENTRIES = "select wallet, lamports from contests.entries"


def open_for_two(world: World) -> None:
    """A contest that is played from two entrants on; three have paid."""
    ContestsDesk(world).open()


def open_for_nine(world: World) -> None:
    """A contest that is not played with fewer than nine; three have paid."""
    ContestsDesk(world).open(least=9)


def play(world: World) -> None:
    """Entries, and then what the schedules and queues make of them, until they find nothing to do."""
    desk = ContestsDesk(world)
    world.ask(desk.enter)
    for _ in range(3):
        desk.tick()
        desk.work()


@scenario("contests-prizes", solana={}, shares=4)
def contests_prizes(world: World) -> None:
    """Entered, started, valued, ended, ranked, paid and raked."""
    play(world)


contests_prizes.beginning(open_for_two)


@contests_prizes.verdict
def everybody_has_the_prize_once(world: World) -> None:
    """Prizes to whom they are owed, the rest to the treasury; books and chain agree on the hundredth that stays."""
    desk = ContestsDesk(world)
    entered = len(desk.rows(ENTRIES))
    assert entered == ENTRANTS or not world.caller_returns, entered
    if entered < 2:
        assert_refunded(desk)
        return
    owed = desk.rows(OBLIGATIONS)
    found = (ENTRANTS - entered) * FEE_LAMPORTS
    assert desk.state == ("paid" if found else "raked"), (desk.state, owed)
    assert {(one["kind"], one["state"], one["attempts"]) for one in owed} == {("payout", "paid", 1)}, owed
    got = {wallet: lamports for wallet, lamports in desk.gained().items() if lamports}
    late = {one.address for one in desk.entrants} - {row["wallet"] for row in desk.rows(ENTRIES)}
    assert got == {one["wallet"]: one["lamports"] for one in owed}, (got, owed, late)
    # Who paid and never said so is no entrant: what came to the wallet is found, and waits there to be given back.
    swept = desk.rows("select lamports, found_lamports from contests.sweeps")
    left = entered * FEE_LAMPORTS - sum(got.values())
    assert [tuple(row.values()) for row in swept] == ([] if found else [(left - KEPT_LAMPORTS, 0)]), swept
    booked = left if found else KEPT_LAMPORTS
    assert (desk.node.balance(desk.wallet), desk.booked()) == (booked + found, booked), desk.booked()


@scenario("contests-refunds", solana={}, shares=2)
def contests_refunds(world: World) -> None:
    """Entered by three where nine were wanted: cancelled after the grace window, and refunded."""
    play(world)


contests_refunds.beginning(open_for_nine)


@contests_refunds.verdict
def everybody_has_the_fee_back_once(world: World) -> None:
    """Whoever had entered; the wallet is empty, and so is the pool."""
    desk = ContestsDesk(world)
    entered = len(desk.rows(ENTRIES))
    assert entered == ENTRANTS or not world.caller_returns, entered
    assert_refunded(desk)


def assert_refunded(desk: ContestsDesk) -> None:
    """Every entry is paid back once; what else came to the wallet waits there to be given back."""
    entered = {row["wallet"]: row["lamports"] for row in desk.rows(ENTRIES)}
    owed = desk.rows(OBLIGATIONS)
    expected = {("refund", wallet, lamports, "paid", 1) for wallet, lamports in entered.items()}
    assert {tuple(one.values()) for one in owed if one["kind"] == "refund"} == expected, owed
    assert {wallet: got for wallet, got in desk.gained().items() if got} == entered, desk.gained()
    found = (ENTRANTS - len(entered)) * FEE_LAMPORTS
    assert desk.state == "refunded", desk.state
    assert (desk.node.balance(desk.wallet), desk.booked()) == (found, 0), (
        desk.node.balance(desk.wallet),
        desk.booked(),
    )
