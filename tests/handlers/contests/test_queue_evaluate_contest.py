"""queue_evaluate_contest: final standings, what is owed for them, and the state, in one commit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from functions.contests.adapters.evaluating import BREAKER
from functions.contests.adapters.life_steps import EVALUATE, SNAPSHOT, STEP, evaluate_task
from kernel.breaker.lifecycle import State as Circuit
from kernel.tasks import TaskSpec
from tests.handlers.contests.duel import ALICE, BOB, CAROL, COAL, DAVE, FEE, GOLD, SALT, Duel

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def ended(duel: Duel, contest: UUID, *, gold: int = 3_000_000, priced: bool = True) -> None:
    """The contest's time passes; at its end gold costs so much."""
    end = duel.one("select ends_at from contests.contests where id = %(id)s", id=contest)["ends_at"]
    duel.clock.set(end - timedelta(seconds=10))
    if priced:
        duel.price({GOLD: gold, SALT: 1_000_000})
    duel.clock.advance(10)
    duel.tick()
    duel.work(STEP)
    assert "evaluating" == duel.state(contest)


def test_results_payouts_and_state_are_one_commit(duel: Duel) -> None:
    """The pool is split by the final order: a tie by balance is decided by who realised a profit first."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {GOLD: 10_000}, CAROL: {SALT: 10_000}, DAVE: {GOLD: 10_000}})
    duel.clock.advance(10)
    duel.price({GOLD: 3_000_000})
    for wallet in (DAVE, BOB):
        duel.clock.advance(1)
        assert 200 == duel.trade(contest, wallet, "sell", GOLD, 1_000_000_000, "profit")[0]
    ended(duel, contest)

    duel.work(EVALUATE)

    assert "paying" == duel.state(contest)
    shown = duel.get(f"/v1/contests/{contest}/results")
    assert [DAVE, BOB, ALICE, CAROL] == [one["wallet"] for one in shown["results"]]
    pool, rake = 4 * FEE, 4 * FEE // 10
    payouts = [(pool - rake) * share // 10_000 for share in (6_900, 2_000, 1_100)]
    assert [*map(str, payouts), "0"] == [one["payout_lamports"] for one in shown["results"]]
    assert (str(pool), str(rake), str(pool - rake - sum(payouts))) == tuple(
        shown[name] for name in ("pool_lamports", "rake_lamports", "dust_lamports")
    )
    owed = duel.rows("select kind, line, wallet, lamports from contests.obligations order by line")
    assert [("payout", place, wallet, payouts[place - 1]) for place, wallet in ((1, DAVE), (2, BOB), (3, ALICE))] == [
        tuple(row.values()) for row in owed
    ]
    assert [("ready", None)] == duel.tasks("contests.pay_prizes") == duel.tasks("contests.award_achievements")


def test_two_evaluators_rank_a_contest_once(duel: Duel) -> None:
    """The second finds the row held, and then the contest ranked: one set of results, one of payouts."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    ended(duel, contest)
    with duel.office.transaction() as tx:
        duel.deps.tasks.enqueue([_another(duel, contest)], tx)

    duel.work(EVALUATE)

    assert [("done", None), ("skipped", "skipped")] == sorted(duel.tasks(EVALUATE))
    assert (2, 2) == (
        len(duel.rows("select from contests.contest_results")),
        len(duel.rows("select from contests.obligations")),
    )


def test_a_portfolio_that_no_trade_explains_wins_nothing(duel: Duel) -> None:
    """Somebody changed it in the database: nothing is ranked, and nothing is owed."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    with duel.office.transaction() as tx:
        tx.execute("update contests.portfolios set cash_micros = cash_micros + 1 where wallet = %(w)s", w=BOB)
    ended(duel, contest)

    duel.work(EVALUATE)

    assert ("evaluating", [("parked", "portfolio_unexplained")]) == (duel.state(contest), duel.tasks(EVALUATE))
    assert [] == duel.rows("select from contests.obligations") == duel.rows("select from contests.contest_results")


def test_an_evaluation_waits_for_the_prices_of_the_end(duel: Duel) -> None:
    """And after five minutes takes those of the present, the same for everybody."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    ended(duel, contest, priced=False)
    duel.work(EVALUATE)
    waiting = duel.tasks(EVALUATE)
    duel.clock.advance(299)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    duel.clock.advance(2)
    duel.work(EVALUATE)

    assert [("ready", "token_unpriced")] == waiting
    assert "paying" == duel.state(contest)
    [row] = duel.rows("select e.priced_at > c.ends_at as later from contests.evaluations e, contests.contests c")
    assert row["later"]


def test_a_token_that_lost_its_market_is_valued_at_its_last_known_price(duel: Duel) -> None:
    """The contest ends by itself: five minutes after its end, by the newest snapshot's price; others' by the end's."""
    contest = _coal_was_played(duel)
    ended(duel, contest)
    duel.work(EVALUATE)
    waiting = duel.tasks(EVALUATE)
    duel.clock.advance(320)
    duel.price({GOLD: 9_000_000})
    duel.work(EVALUATE)

    assert ([("ready", "token_unpriced")], "paying") == (waiting, duel.state(contest))
    shown = duel.get(f"/v1/contests/{contest}/results")
    assert [(ALICE, "20499000000"), (BOB, "15000000000")] == [
        (one["wallet"], one["balance_micros"]) for one in shown["results"]
    ]
    assert {COAL: "snapshot 1"} == shown["stood_in"]
    [row] = duel.rows("select prices from contests.evaluations")
    assert [12, 7 * 10**12, "snapshot 1"] == row["prices"][COAL]
    assert [12, 3 * 10**12] == row["prices"][GOLD]


def test_a_token_whose_market_was_emptied_is_valued_at_its_last_price_of_before(duel: Duel) -> None:
    """Its owner takes the liquidity away and makes the price: nobody wins by that."""
    contest = _coal_was_played(duel)
    ended(duel, contest)
    duel.price({COAL: 900_000_000}, liquidity_usd=100)
    duel.work(EVALUATE)
    waiting = duel.tasks(EVALUATE)
    duel.clock.advance(320)
    duel.price({COAL: 900_000_000}, liquidity_usd=100)
    duel.work(EVALUATE)

    assert ([("ready", "token_too_thin")], "paying") == (waiting, duel.state(contest))
    [row] = duel.rows("select prices from contests.evaluations")
    assert [12, 7 * 10**12, "snapshot 1"] == row["prices"][COAL]


def test_a_token_that_fell_before_its_market_went_is_not_valued_at_its_height(duel: Duel) -> None:
    """Bought cheaply after the last snapshot that had it: the lower of both prices is the last that is known."""
    contest = _coal_was_played(duel)
    duel.clock.advance(1)
    duel.price({COAL: 1_000, GOLD: 2_000_000})
    assert 200 == duel.trade(contest, ALICE, "buy", COAL, 1_000_000, "fallen")[0]
    ended(duel, contest)
    duel.clock.advance(320)
    duel.work(EVALUATE)

    assert {COAL: "trade 2"} == duel.get(f"/v1/contests/{contest}/results")["stood_in"]


def test_a_token_that_no_snapshot_has_seen_is_valued_at_its_newest_trade(duel: Duel) -> None:
    """Bought after the newest snapshot, and gone before the next."""
    duel.list_token(COAL, "COAL")
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.price({COAL: 5_000_000})
    assert 200 == duel.trade(contest, ALICE, "sell", GOLD, 1_000_000_000, "a")[0]
    assert 200 == duel.trade(contest, ALICE, "buy", COAL, 100_000_000, "b")[0]
    ended(duel, contest)
    duel.clock.advance(320)
    duel.work(EVALUATE)

    assert {COAL: "trade 2"} == duel.get(f"/v1/contests/{contest}/results")["stood_in"]
    assert "paying" == duel.state(contest)


def test_a_price_that_is_not_to_be_had_is_no_failure_of_the_evaluation(duel: Duel) -> None:
    """However often it is missing, the breaker stays closed: other contests' winners are paid."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    ended(duel, contest, priced=False)
    for _ in range(12):
        with duel.office.transaction() as tx:
            tx.execute(
                "update kernel.tasks set run_at = %(now)s where kind = %(kind)s and state = 'ready'",
                now=duel.clock.now(),
                kind=EVALUATE,
            )
        duel.work(EVALUATE)

    assert duel.judge.kernel.breakers.condition(BREAKER).is_closed
    assert [("ready", "token_unpriced")] == duel.tasks(EVALUATE)


def test_the_breaker_of_evaluations_opens_at_the_tenth_failure(duel: Duel) -> None:
    """What fails again and again is left alone for two minutes; the contest waits with nothing owed."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    with duel.office.transaction() as tx:
        tx.execute("update contests.portfolios set cash_micros = cash_micros + 1 where wallet = %(w)s", w=BOB)
    ended(duel, contest)
    duel.work(EVALUATE)
    for number in range(2, 11):
        assert duel.judge.kernel.breakers.condition(BREAKER).is_closed
        with duel.office.transaction() as tx:
            duel.deps.tasks.enqueue([_another(duel, contest, str(number))], tx)
        duel.work(EVALUATE)

    open_now = duel.judge.kernel.breakers.condition(BREAKER)
    assert (Circuit.CIRCUIT_OPEN, 120) == (open_now.state, round(open_now.wait_s or 0))
    assert "evaluating" == duel.state(contest)
    assert [("parked", "portfolio_unexplained")] * 10 == duel.tasks(EVALUATE)


def _coal_was_played(duel: Duel) -> UUID:
    """Alice has a tenth of the stake in coal, which cost 1 at the start and 7 at the first snapshot; then she sold."""
    duel.list_token(COAL, "COAL")
    duel.price({COAL: 1_000_000})
    contest = duel.started({ALICE: {GOLD: 9_000, COAL: 1_000}, BOB: {GOLD: 10_000}})
    duel.clock.advance(15)
    duel.price({COAL: 7_000_000, GOLD: 2_000_000, SALT: 1_000_000})
    duel.work(SNAPSHOT)
    assert 200 == duel.trade(contest, ALICE, "sell", GOLD, 1_000_000, "sold")[0]
    return contest


def _another(duel: Duel, contest: UUID, name: str = "again") -> TaskSpec:
    return replace(evaluate_task(contest, duel.clock.now()), business_key=f"contests:{contest}:evaluate-{name}")
