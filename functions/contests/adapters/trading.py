"""Trades at the market's price while a contest runs, each once under its request's key.

A trade shares its contest's row with other trades; who moves the contest or takes a snapshot holds it alone. So what a
snapshot counts is exactly the trades that were committed before it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.adapters.market import Market
from functions.contests.adapters.portfolios import (
    Portfolios,
    StoredPortfolio,
    StoredTrade,
    positions_of,
)
from functions.contests.adapters.whitelist import Whitelist
from functions.contests.adapters.wishes import TradeWish
from functions.contests.core.contest import State
from functions.contests.core.evaluation import Side, Traded
from functions.contests.core.portfolio import Portfolio
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.postgres import Postgres, Transaction
from kernel.realtime import Publisher

if TYPE_CHECKING:
    from functions.contests.wiring import Deps


class ContestNotRunning(Conflict):
    """There is no trading in this contest now."""

    cause = "It has not started, or its time is over."
    remedy = "Trade between its start and its end; before the start change your weights."


class TradeChanged(Conflict):
    """This key belongs to another trade."""

    cause = "The same Idempotency-Key came with another side, token or quantity."
    remedy = "Give a different trade a different key."


class Trading:
    """Trades, made and stored."""

    def __init__(
        self,
        postgres: Postgres,
        contests: Contests,
        portfolios: Portfolios,
        market: Market,
        whitelist: Whitelist,
        realtime: Publisher,
        clock: Clock,
    ) -> None:
        self._postgres, self._contests, self._portfolios = postgres, contests, portfolios
        self._market, self._whitelist, self._realtime, self._clock = market, whitelist, realtime, clock

    def trade(self, wish: TradeWish) -> StoredTrade:
        """The trade, made now or before.

        Raises ContestUnknown, ContestNotRunning, PortfolioUnknown, TradeUnfit, TradeChanged, TokenNotListed,
        TokenNotTradable, PriceUnusable.
        """
        with self._postgres.transaction() as tx:
            made = self._made(tx, wish)
            return made or self._make(tx, wish, self._running(tx, wish.contest))

    def portfolio(self, contest_id: UUID, wallet: str) -> StoredPortfolio:
        """What an entrant has. Raises PortfolioUnknown."""
        with self._postgres.transaction() as tx:
            return self._portfolios.get(tx, contest_id, wallet)

    def trades(self, contest_id: UUID, wallet: str, *, below: int, limit: int) -> list[StoredTrade]:
        """What an entrant has traded, the newest first."""
        with self._postgres.transaction() as tx:
            return self._portfolios.trades_of(tx, contest_id, wallet, below=below, limit=limit)

    def _running(self, tx: Transaction, contest_id: UUID) -> StoredContest:
        contest = self._contests.share(tx, contest_id)
        self._require_running(contest, self._clock.now())
        return contest

    def _require_running(self, contest: StoredContest, now: datetime) -> None:
        if contest.state is not State.ACTIVE or now >= contest.ends_at:
            raise ContestNotRunning(contest=str(contest.id), state=contest.state)

    def _make(self, tx: Transaction, wish: TradeWish, contest: StoredContest) -> StoredTrade:
        before = self._portfolios.get(tx, contest.id, wish.wallet, lock=True)
        made = self._made(tx, wish)  # by a request that held the portfolio until now
        if made is not None:
            return made
        if wish.side is Side.BUY:
            self._whitelist.require(tx, [wish.mint])
        now = self._clock.now()
        self._require_running(contest, now)  # others' trades of the portfolio may have lasted until its end
        token = self._market.to_trade(tx, wish.mint, now)
        traded = Traded(side=wish.side, mint=wish.mint, quantity=wish.quantity, token=token, at=now)
        trade, after = self._portfolios.trade(tx, before, traded, request_key=wish.key, priced_at=now)
        self._tell(tx, before, after, trade)
        return trade

    def _made(self, tx: Transaction, wish: TradeWish) -> StoredTrade | None:
        made = self._portfolios.made(tx, wish.contest, wish.wallet, wish.key)
        if made is None:
            return None
        if (made.traded.side, made.traded.mint, made.traded.quantity) != (wish.side, wish.mint, wish.quantity):
            raise TradeChanged(key=wish.key)
        return made

    def _tell(self, tx: Transaction, before: StoredPortfolio, after: Portfolio, trade: StoredTrade) -> None:
        positions = {mint: str(quantity) for mint, (quantity, _) in positions_of(after).items()}
        told = {"contest": str(before.contest_id), "cash_micros": str(after.cash), "positions": positions}
        topic = f"portfolio:solana:{before.wallet}"
        self._realtime.publish(topic, told, after=tx, key=f"{before.contest_id}/trade/{trade.id}")


def trading_of(deps: Deps) -> Trading:
    """As this container is set up."""
    return Trading(
        deps.kernel.postgres,
        deps.contests,
        deps.portfolios,
        deps.market,
        deps.whitelist,
        deps.kernel.realtime,
        deps.clock,
    )
