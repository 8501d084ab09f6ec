"""The evaluation: one at a time, and everything that follows from it in one commit.

1. Every portfolio is built anew from its weights and trades, and must be what is stored.
2. All are valued at the prices of the end, and after five minutes at what stands in for one that is not to be had
   (final_prices.py), the same for everybody.
3. Standings, payouts, rake and dust; results, what is owed, and the contest's state: stored together.

A second evaluator finds the contest's row held, and then ranked. The breaker `contest_evaluation` counts what fails:
what breaks in the evaluation itself. A price that is not to be had is waited for, and is nobody's failure here: anybody
can make one go away, and others' winners are paid meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.contests.adapters.award_steps import award_task
from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.adapters.final_prices import FinalPrices, FinalPricing
from functions.contests.adapters.life_steps import evaluate_task
from functions.contests.adapters.obligations import Line, Obligations
from functions.contests.adapters.portfolios import Portfolios, StoredPortfolio, prices_of
from functions.contests.adapters.snapshots import Snapshots
from functions.contests.core.contest import Event, State
from functions.contests.core.evaluation import (
    Played,
    PortfolioUnexplained,
    Result,
    prizes,
    replayed,
    require_explained,
    standings,
)
from functions.contests.core.obligation import Kind
from functions.contests.core.portfolio import Portfolio
from functions.contests.core.prizes import PrizeSplit
from kernel.breaker import Breakers
from kernel.breaker.guarding import Verdict, verdict
from kernel.clock import Clock
from kernel.errors import Broken, CounterpartError, NotFound
from kernel.postgres import Fence, Postgres, Queries, Statements, Transaction
from kernel.prices import PriceUnusable
from kernel.tasks import Done, Outcome, Skipped, Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("evaluating.sql"))
Row = dict[str, Any]
BREAKER: Final = "contest_evaluation"
CONTESTS_MAX: Final = 1_000


class ResultsAbsent(NotFound):
    """This contest has no results."""

    cause = "It is not over, it was cancelled, or its evaluation has not run yet."
    remedy = "Look at its state; while it runs the leaderboard says who is ahead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outturn:
    """What a contest came to."""

    standings: Sequence[Result]
    parts: PrizeSplit
    prices: FinalPrices
    last_trade: int


class Evaluating:
    """Ranks contests."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        contests: Contests,
        portfolios: Portfolios,
        snapshots: Snapshots,
        pricing: FinalPricing,
        obligations: Obligations,
        breakers: Breakers,
        clock: Clock,
    ) -> None:
        self._postgres, self._tasks, self._contests = postgres, tasks, contests
        self._portfolios, self._snapshots, self._pricing = portfolios, snapshots, pricing
        self._obligations, self._breakers, self._clock = obligations, breakers, clock

    def plan(self, now: datetime) -> int:
        """Ask for the evaluation of whatever is over and not ranked; how many."""
        with self._postgres.transaction() as tx:
            over = self._contests.to_rank(tx, limit=CONTESTS_MAX)
            self._tasks.enqueue([evaluate_task(one.id, now) for one in over], tx)
        return len(over)

    def evaluate(self, contest_id: UUID, fence: Fence) -> Outcome:
        """Rank a contest that is over. Raises CircuitOpen, PriceUnusable, PortfolioUnexplained, PoolNotConserved."""
        with self._breakers.guard(BREAKER, judged), self._postgres.transaction(holding=fence) as tx:
            contest = self._contests.lock(tx, contest_id)
            if contest.state is not State.EVALUATING:
                return Skipped(f"the contest is {contest.state}")
            final = self._decide(tx, contest)
            self._store(tx, contest, final)
            self._contests.step(tx, contest, Event.RANK)
            result = {"entrants": len(final.standings), "payouts": len(final.parts.payouts)}
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def results(self, contest_id: UUID, *, behind: int, limit: int) -> tuple[Row, list[Row]]:
        """What a contest came to, and a page of its standings. Raises ResultsAbsent."""
        with self._postgres.transaction() as tx:
            evaluation = tx.maybe(Q["evaluation"], contest=contest_id)
            if evaluation is None:
                raise ResultsAbsent(contest=str(contest_id))
            return evaluation, tx.all(Q["results"], contest=contest_id, behind=behind, limit=limit)

    def _decide(self, tx: Transaction, contest: StoredContest) -> Outturn:
        last_trade = self._portfolios.last_trade(tx, contest.id)
        held = self._explained(tx, contest, last_trade)
        newest = self._snapshots.newest(tx, contest.id)
        counts = newest.in_profit if newest else [0] * len(held)
        played = [
            Played(wallet=wallet, portfolio=portfolio, snapshots_in_profit=count)
            for (wallet, portfolio), count in zip(held.items(), counts, strict=True)
        ]
        prices = self._pricing.of(tx, contest, self._clock.now())
        return Outturn(
            standings=standings(played, prices.tokens),
            parts=prizes(contest.pool_lamports, contest.shares_bps, contest.rake_bps, len(played)),
            prices=prices,
            last_trade=last_trade,
        )

    def _explained(self, tx: Statements, contest: StoredContest, last_trade: int) -> dict[str, Portfolio]:
        """Everybody's portfolio, as trades explain it, in the order of the entries."""
        first = self._snapshots.one(tx, contest.id, 0).tokens
        trades = self._portfolios.trades(tx, contest.id, last_trade=last_trade)
        held: dict[str, Portfolio] = {}
        for one in self._portfolios.all(tx, contest.id):
            made = replayed(contest.stake_micros, one.weights_bps, first, trades.get(one.wallet, ()))
            require_explained(one.wallet, _held(one), made)
            held[one.wallet] = made
        return held

    def _store(self, tx: Transaction, contest: StoredContest, final: Outturn) -> None:
        """Results, and what is owed for them: payouts, rake and dust are the pool, here and in the books."""
        parts, now = final.parts, self._clock.now()
        tx.execute(
            Q["add_evaluation"],
            contest=contest.id,
            priced_at=final.prices.priced_at,
            prices=Jsonb(prices_of(final.prices.tokens, final.prices.stood_in)),
            last_trade=final.last_trade,
            pool_lamports=contest.pool_lamports,
            rake_lamports=parts.rake,
            dust_lamports=parts.dust,
            now=now,
        )
        tx.execute(Q["add_results"], contest=contest.id, results=Jsonb(_rows(final)))
        winners = zip(final.standings, parts.payouts, strict=False)
        lines = [Line(place, one.wallet, lamports) for place, (one, lamports) in enumerate(winners, 1)]
        self._obligations.owe(tx, contest.id, Kind.PAYOUT, lines, rest_lamports=parts.rake + parts.dust)
        self._tasks.enqueue([award_task(contest.id, now)], tx)


def judged(error: BaseException) -> Verdict:
    """What an exception says of the evaluation: what breaks is its failure; prices, stores and refusals are not."""
    if isinstance(error, PriceUnusable):
        return Verdict.UNKNOWN
    broke = isinstance(error, Broken) or (isinstance(error, Exception) and not isinstance(error, CounterpartError))
    return Verdict.FAILED if broke else verdict(error)


def _held(one: StoredPortfolio) -> Portfolio:
    """Raises PortfolioUnexplained for one that was never opened."""
    if one.held is None:
        raise PortfolioUnexplained(wallet=one.wallet)
    return one.held


def _rows(final: Outturn) -> list[dict[str, Any]]:
    payouts = [*final.parts.payouts, *[0] * len(final.standings)]
    return [
        {
            "place": place,
            "wallet": one.wallet,
            "balance_micros": one.balance,
            "win_rate_ppm": one.win_rate,
            "profitable_trades": one.profitable_trades,
            "average_profit_micros": one.average_profit,
            "biggest_win_micros": one.biggest_win,
            "time_in_profit_s": one.time_in_profit,
            "first_profit_at": one.first_profit_at and one.first_profit_at.isoformat(),
            "profit_micros": one.profit,
            "payout_lamports": payouts[place - 1],
        }
        for place, one in enumerate(final.standings, 1)
    ]


def evaluating_of(deps: Deps) -> Evaluating:
    """As this container is set up."""
    return Evaluating(
        deps.kernel.postgres,
        deps.tasks,
        deps.contests,
        deps.portfolios,
        deps.snapshots,
        FinalPricing(deps.portfolios, deps.snapshots, deps.market),
        deps.obligations,
        deps.kernel.breakers,
        deps.clock,
    )
