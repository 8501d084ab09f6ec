"""Prizes, refunds and sweeps on a real cluster: each lamport arrives once, or stands where somebody sees it."""

import pytest

from functions.contests.adapters.admin_transfers import Asked
from tests.chain.contests.cashier import FEE, SOL, Cashier

pytestmark = pytest.mark.chain

POOL = 3 * FEE
PRIZES = (186_300_000, 54_000_000, 29_700_000)


def test_prizes_are_paid_and_the_rest_is_swept(cashier: Cashier) -> None:
    """Payouts, then rake and dust but for a hundredth; books and chain agree to the lamport."""
    contest = cashier.contest("duel", 3)
    winners = [cashier.entrant("duel", number) for number in range(3)]
    cashier.rank(contest, list(zip(winners, PRIZES, strict=True)))
    cashier.work()

    assert "paid" == cashier.state(contest)
    assert list(PRIZES) == [cashier.balance(winner) for winner in winners]

    cashier.rake()
    cashier.work()

    assert "raked" == cashier.state(contest)
    assert SOL // 100 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)


def test_what_an_account_cannot_take_is_held_listed_and_paid_once_it_can(cashier: Cashier) -> None:
    """The contest is completed all the same; its rake leaves what is held."""
    contest = cashier.contest("duel", 3)
    first, second, third = (cashier.entrant("duel", number) for number in range(3))
    cashier.rank(contest, [(first, 200_000_000), (second, 40_000_000), (third, 890_879)])
    cashier.work()

    assert [("payout", 1, "paid", 1), ("payout", 2, "paid", 1), ("payout", 3, "held", 0)] == cashier.lines(contest)
    assert "paid" == cashier.state(contest)

    cashier.rake()
    cashier.work()

    assert SOL // 100 + 890_879 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)

    cashier.node.fund(third, 1)
    cashier.node.finalize()
    cashier.rake()
    cashier.work()

    assert ("payout", 3, "paid", 1) == cashier.lines(contest)[2]
    assert 890_880 == cashier.balance(third)
    assert ("raked", SOL // 100) == (cashier.state(contest), cashier.booked(contest))


def test_a_wallet_that_would_be_left_with_too_little_is_lent_its_rent_first(cashier: Cashier) -> None:
    """Without rake a single lamport of dust would stay, which the chain refuses."""
    contest = cashier.contest("duel", 3)
    winners = [cashier.entrant("duel", number) for number in range(3)]
    cashier.rank(contest, [(winners[0], POOL - FEE - 1), (winners[1], FEE)])
    cashier.work()

    assert [("advance", 0, "paid", 1), ("payout", 1, "paid", 1), ("payout", 2, "paid", 1)] == cashier.lines(contest)
    assert 890_881 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)
    assert "paid" == cashier.state(contest)


def test_a_payment_that_fails_four_times_is_parked_and_replayed_by_an_operator(cashier: Cashier) -> None:
    """Its contest is not completed before; what the others got they have once."""
    contest = cashier.contest("duel", 3)
    wallet, winners = cashier.wallet(contest), [cashier.entrant("duel", number) for number in range(3)]
    cashier.rank(contest, list(zip(winners, PRIZES, strict=True)))
    cashier.node.fund(wallet, PRIZES[0] - 1)
    cashier.work()

    assert ("payout", 1, "parked", 4) == cashier.lines(contest)[0]
    assert "paying" == cashier.state(contest)

    cashier.node.fund(wallet, cashier.booked(contest))
    cashier.replay_all(contest)
    cashier.work()

    assert "paid" == cashier.state(contest)
    assert list(PRIZES) == [cashier.balance(winner) for winner in winners]


def test_refunds_empty_the_wallet(cashier: Cashier) -> None:
    """Everybody has the fee back, and the contest is refunded; there is nothing to sweep."""
    contest = cashier.contest("duel", 4, state="pending")
    cashier.cancel(contest)
    cashier.work()
    cashier.rake()

    assert [FEE] * 4 == [cashier.balance(cashier.entrant("duel", number)) for number in range(4)]
    assert ("refunded", 0, 0) == (
        cashier.state(contest),
        cashier.balance(cashier.wallet(contest)),
        cashier.booked(contest),
    )


def test_a_contest_without_entrants_is_refunded_at_once(cashier: Cashier) -> None:
    """Nothing is owed, so nothing is waited for."""
    contest = cashier.contest("duel", 0, state="pending")
    cashier.cancel(contest)
    cashier.work()

    assert ("refunded", []) == (cashier.state(contest), cashier.lines(contest))


def test_what_was_given_to_a_wallet_is_found_and_swept_with_the_rest(cashier: Cashier) -> None:
    """After three days; the books take it in with the sweep, so they agree with the chain again."""
    contest = cashier.contest("duel", 3)
    wallet = cashier.wallet(contest)
    cashier.rank(contest, [(cashier.entrant("duel", 0), POOL - FEE)])
    cashier.work()
    cashier.node.fund(wallet, FEE + SOL)
    cashier.node.finalize()
    before = cashier.balance(cashier.fee_payer)
    cashier.rake()

    assert [] == cashier.rows("select * from contests.sweeps")

    cashier.clock.advance(3 * 86_400)
    cashier.rake()
    cashier.work()

    assert SOL // 100 == cashier.balance(wallet) == cashier.booked(contest)
    assert FEE + SOL - SOL // 100 - 20_000 <= cashier.balance(cashier.fee_payer) - before < FEE + SOL - SOL // 100


def test_a_wallet_that_lacks_lamports_is_left_alone(cashier: Cashier, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody is called, and nothing is swept."""
    contest = cashier.contest("duel", 3)
    cashier.rank(contest, [(cashier.entrant("duel", 0), POOL - FEE)])
    cashier.work()
    cashier.node.fund(cashier.wallet(contest), FEE - 1)
    cashier.node.finalize()
    cashier.rake()

    assert [] == cashier.rows("select * from contests.sweeps")
    assert ["contests.wallet_short"] == [getattr(one, "alarm", "") for one in caplog.records if hasattr(one, "alarm")]


def test_five_sweeps_are_on_their_way_at_once(cashier: Cashier) -> None:
    """The end of one sends the next; in the end all are swept."""
    contests = [cashier.contest(f"duel {number}", 2) for number in range(6)]
    for number, contest in enumerate(contests):
        cashier.rank(contest, [(cashier.entrant(f"duel {number}", 0), FEE)])
    cashier.work()
    cashier.rake()

    assert 5 == len(cashier.rows("select * from contests.sweeps where state = 'sent'"))

    cashier.work()

    assert {"raked"} == {cashier.state(contest) for contest in contests}
    assert 6 == len(cashier.rows("select * from contests.sweeps where state = 'swept'"))


def test_a_wallet_that_was_reclaimed_is_lent_its_rent_to_pay_what_it_held(cashier: Cashier) -> None:
    """What is held stays in it, as the least that an account holds; paying that would leave too little."""
    contest = cashier.contest("duel", 3)
    cashier.adopt(contest)
    first, second = (cashier.entrant("duel", number) for number in range(2))
    cashier.rank(contest, [(first, 2 * FEE), (second, 500_000)])
    cashier.work()
    cashier.rake()
    cashier.work()
    asked = Asked(batch="over", source=cashier.wallet(contest), actor="ada", reason="over")
    cashier.admin().admin_transfers.reclaim(asked, 0)
    cashier.work()

    assert 890_880 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)

    cashier.node.fund(second, 890_880)
    cashier.node.finalize()
    cashier.rake()
    cashier.work()

    assert [("advance", 0, "paid", 1), ("payout", 1, "paid", 1), ("payout", 2, "paid", 1)] == cashier.lines(contest)
    assert 2 * 890_880 - 500_000 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)
