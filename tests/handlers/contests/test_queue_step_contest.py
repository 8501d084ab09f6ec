"""queue_step_contest: what a contest's clock makes happen, each in one commit."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.life_steps import SNAPSHOT, STEP
from tests.handlers.contests.duel import ALICE, BOB, FEE, GOLD, SALT, STAKE, Duel

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def test_at_the_start_every_portfolio_buys_what_its_weights_say(duel: Duel) -> None:
    """At one instant's prices, which are snapshot 0; nothing is worth more or less than the stake by it."""
    contest = duel.started({ALICE: {GOLD: 6_000, SALT: 4_000}, BOB: {SALT: 10_000}})

    held = duel.rows('select cash_micros, positions from contests.portfolios order by wallet collate "C"')
    first = duel.one("select * from contests.snapshots")

    assert [
        (0, {GOLD: [3_000_000_000, 6_000_000_000], SALT: [4_000_000_000, 4_000_000_000]}),
        (0, {SALT: [10_000_000_000, STAKE]}),
    ] == [(row["cash_micros"], row["positions"]) for row in held]
    assert (0, [STAKE, STAKE], [0, 0], None) == tuple(
        first[name] for name in ("number", "values_micros", "in_profit", "reason")
    )
    assert {GOLD, SALT} == set(first["prices"])
    assert [{"status": "active", "state": "active"}] == [
        {name: one[name] for name in ("status", "state")} for one in duel.told(f"contest:{contest}") if "state" in one
    ]
    assert 8 == len(duel.tasks(SNAPSHOT))


def test_a_start_waits_for_prices(duel: Duel) -> None:
    """Without the price of one token nobody's portfolio is opened; with it all are, a little later."""
    contest = duel.contest(starts_in_s=3_600)
    for wallet in (ALICE, BOB):
        duel.enter(contest, wallet, {GOLD: 5_000, SALT: 5_000})
    duel.clock.advance(3_600)
    duel.price({GOLD: 2_000_000})
    duel.tick()

    duel.work()
    assert ("pending", [("ready", "token_unpriced")]) == (duel.state(contest), duel.tasks(STEP))
    assert [] == duel.rows("select from contests.portfolios where cash_micros is not null")
    duel.clock.advance(60)
    duel.price({GOLD: 2_000_000, SALT: 1_000_000})
    duel.work()

    assert "active" == duel.state(contest)


def test_what_has_no_price_for_five_minutes_stays_cash(duel: Duel) -> None:
    """A token that lost its market delays the start and does not prevent it; its part of the stake is not played."""
    contest = duel.contest(starts_in_s=3_600)
    duel.enter(contest, ALICE, {GOLD: 9_999, SALT: 1})
    duel.enter(contest, BOB, {GOLD: 10_000})
    duel.clock.advance(3_600)
    duel.tick()
    duel.price({GOLD: 2_000_000})
    duel.work(STEP)
    duel.clock.advance(200)
    duel.work(STEP)
    waiting = duel.state(contest)
    duel.clock.advance(200)
    duel.work(STEP)

    assert ("pending", "active") == (waiting, duel.state(contest))
    held = duel.rows("select cash_micros, positions from contests.portfolios order by cash_micros desc")
    assert [(STAKE // 10_000, [GOLD]), (0, [GOLD])] == [(row["cash_micros"], list(row["positions"])) for row in held]
    assert [STAKE, STAKE] == duel.one("select values_micros from contests.snapshots")["values_micros"]


def test_nobody_came_so_it_is_cancelled_at_once(duel: Duel) -> None:
    """There is nothing to wait for, and nothing to give back."""
    contest = duel.contest()
    duel.tick()
    duel.clock.advance(600)
    duel.tick()
    duel.work(STEP)

    assert ("refunding", "too_few_entrants") == (
        duel.state(contest),
        duel.one("select reason from contests.contests")["reason"],
    )
    assert [] == duel.rows("select from contests.obligations")
    assert [("ready", None)] == duel.tasks("contests.refund_entries")


def test_too_few_are_refunded_after_the_grace_window(duel: Duel) -> None:
    """A single entrant waits 59 seconds for company, and has the fee back if none comes."""
    contest = duel.contest()
    duel.enter(contest, ALICE)
    duel.clock.advance(600)
    duel.tick()
    duel.work(STEP)
    waiting = duel.state(contest)
    duel.clock.advance(58)
    duel.work(STEP)
    still = duel.state(contest)
    duel.clock.advance(6)
    duel.work(STEP)

    assert ("pending", "pending", "refunding") == (waiting, still, duel.state(contest))
    owed = duel.one("select kind, wallet, lamports, state from contests.obligations")
    assert ("refund", ALICE, FEE, "owed") == tuple(owed.values())


def test_who_comes_within_the_grace_window_makes_up_a_contest(duel: Duel) -> None:
    """It starts as soon as there are enough."""
    contest = duel.contest()
    duel.enter(contest, ALICE)
    duel.clock.advance(600)
    duel.tick()
    duel.work(STEP)
    duel.clock.advance(30)
    duel.price({GOLD: 2_000_000})
    assert 200 == duel.enter(contest, BOB)[0]
    duel.clock.advance(5)
    duel.work(STEP)

    assert "active" == duel.state(contest)
    assert 2 == len(duel.rows("select from contests.portfolios where cash_micros > 0 or positions <> '{}'"))


def test_at_the_end_the_evaluation_is_asked_for(duel: Duel) -> None:
    """Trading is over with the same commit."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(3_600)
    duel.tick()
    duel.work(STEP)

    assert "evaluating" == duel.state(contest)
    assert [("ready", None)] == duel.tasks("contests.evaluate_contest")


def test_a_step_that_was_taken_is_not_taken_again(duel: Duel) -> None:
    """A second delivery, and a task for what an operator has cancelled, change nothing."""
    contest = duel.contest()
    duel.tick()
    duel.clock.advance(600)
    duel.tick()
    duel.admin("POST", f"/v1/contests/{contest}/cancel", {"reason": "rain"})
    duel.work(STEP)

    assert ([("skipped", "skipped")], "rain") == (
        duel.tasks(STEP),
        duel.one("select reason from contests.contests")["reason"],
    )
