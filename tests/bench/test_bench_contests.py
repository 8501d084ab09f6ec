"""A contest of ten thousand: its standings alone, beside one sort by a key; and its start, a snapshot, its evaluation.

The last three go through the handlers on a real Postgres, from the message to the commit.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from functions.contests.adapters.life_steps import EVALUATE, SNAPSHOT, STEP
from functions.contests.core.evaluation import Result
from functions.contests.core.standings import rank, shared_ranks
from kernel import base58
from tests.handlers.contests.duel import BEGIN, FEE, GOLD, SALT, Duel

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
SEED = 1
ENTRANTS = 10_000
RUNS = 15


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def results(dice: Random) -> list[Result]:
    """Ten thousand, every hundredth tied in all but the wallet."""
    return [
        Result(
            wallet=base58.encode(dice.randbytes(32)),
            balance=10**10 if number % 100 == 0 else dice.randrange(10**11),
            win_rate=None if number % 100 == 0 else dice.randrange(10**6),
            profitable_trades=0 if number % 100 == 0 else dice.randrange(50),
            average_profit=None,
            biggest_win=None,
            time_in_profit=0 if number % 100 == 0 else 15 * dice.randrange(240),
            first_profit_at=None,
            profit=0,
        )
        for number in range(ENTRANTS)
    ]


def by_one_key(ranked: list[Result]) -> list[Result]:
    """The same order by one key a result, as one would write it first."""

    def place(one: Result) -> tuple[Any, ...]:
        merits = (one.balance, one.win_rate, one.profitable_trades, one.average_profit, one.biggest_win)
        greater = ((value is None, 0 if value is None else -value) for value in (*merits, one.time_in_profit))
        first = (one.first_profit_at is None, one.first_profit_at or BEGIN)
        return (*greater, first, base58.decode(one.wallet))

    return sorted(ranked, key=place)


def milliseconds(run: Callable[[], object]) -> list[float]:
    """How much of a core each of some runs took."""
    taken = []
    for _ in range(RUNS):
        begun_s = time.process_time()
        run()
        taken.append((time.process_time() - begun_s) * 1_000)
    return sorted(taken)


def test_ten_thousand_are_ranked(capsys: pytest.CaptureFixture[str]) -> None:
    """The specification asks for 20 ms; the order is that of the plain key."""
    entered = results(Random(SEED))
    balances = [one.balance for one in entered]

    own, plain, live = (
        milliseconds(run)
        for run in (lambda: rank(entered), lambda: by_one_key(entered), lambda: shared_ranks(balances))
    )

    assert by_one_key(entered) == rank(entered)
    own_ms, plain_ms, live_ms = (statistics.median(taken) for taken in (own, plain, live))
    with capsys.disabled():
        sys.stdout.write(
            f"\ncontests: {ENTRANTS:,} ranked in {own_ms:.1f} ms (most of {RUNS}: {own[-1]:.1f}); one sort by a key"
            f" {plain_ms:.1f} ms ({plain_ms / own_ms:.1f}x); live ranks {live_ms:.1f} ms\n"
        )


def test_a_contest_of_ten_thousand(
    duel: Duel, volume: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its start opens every portfolio in one commit, and its evaluation plays every trade over again."""
    entrants = volume(1_000, ENTRANTS)
    contest = crowd(duel, entrants)
    duel.clock.advance(600)
    duel.price({GOLD: 2_000_000, SALT: 1_000_000})
    duel.tick()
    started_s = timed(duel, STEP)
    assert "active" == duel.state(contest)
    trades = trade(duel, contest, entrants)
    duel.clock.advance(15)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    valued_s = timed(duel, SNAPSHOT)
    end = duel.one("select ends_at from contests.contests")["ends_at"]
    duel.clock.set(end)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    duel.tick()
    duel.work(STEP)
    ranked_s = timed(duel, EVALUATE)

    assert "paying" == duel.state(contest)
    assert entrants == duel.one("select count(*) as n from contests.contest_results")["n"]
    assert (
        entrants * FEE
        == duel.one(
            "select rake_lamports + dust_lamports + (select sum(lamports)::bigint from contests.obligations) as n"
            " from contests.evaluations"
        )["n"]
    )
    with capsys.disabled():
        sys.stdout.write(
            f"\ncontests: {entrants:,} entrants: start {started_s:.2f} s, a snapshot {valued_s:.2f} s,"
            f" evaluation with {trades:,} trades {ranked_s:.2f} s\n"
        )


def crowd(duel: Duel, entrants: int) -> UUID:
    """A contest that so many have entered, as accepting them leaves it."""
    contest, now, dice = duel.contest(), duel.clock.now(), Random(SEED)
    wallets = [base58.encode(dice.randbytes(32)) for _ in range(entrants)]
    with duel.office.transaction() as tx:
        duel.deps.pools.enter(tx, contest, "crowd", entrants * FEE)
    with psycopg.connect(duel.kernel.settings.database_url.removeprefix("plain:")) as connection:
        cursor = connection.cursor()
        entries = "contests.entries (contest_id, wallet, number, signature, lamports, slot, entered_at)"
        with cursor.copy(f"copy {entries} from stdin") as copy:
            for number, wallet in enumerate(wallets):
                copy.write_row((contest, wallet, number, wallet, FEE, 1, now))
        with cursor.copy("copy contests.portfolios (contest_id, wallet, weights_bps, moved_at) from stdin") as copy:
            for wallet in wallets:
                gold = dice.randrange(1, 10_000)
                copy.write_row((contest, wallet, f'{{"{GOLD}": {gold}, "{SALT}": {10_000 - gold}}}', now))
        connection.execute("update contests.contests set entrants = %s, pool_lamports = %s", (entrants, entrants * FEE))
        connection.execute("analyze")
    return contest


def trade(duel: Duel, contest: UUID, entrants: int) -> int:
    """Every tenth entrant sells twice, as trading does it; how many trades."""
    dice, made = Random(SEED), 0
    with duel.kernel.postgres.transaction() as tx:
        found = duel.deps.portfolios.all(tx, contest)
    for one in dice.sample(found, entrants // 10):
        for key in ("a", "b"):
            assert 200 == duel.trade(contest, one.wallet, "sell", SALT, dice.randrange(1, 100), key)[0]
            made += 1
    return made


def timed(duel: Duel, kind: str) -> float:
    """How long the delivery of the one task of a kind that is due took."""
    [due] = duel.due(kind)
    begun_s = time.perf_counter()
    duel.deliver(due)
    return time.perf_counter() - begun_s
