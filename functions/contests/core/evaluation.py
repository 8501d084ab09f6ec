"""Owns what a contest comes to: every portfolio built anew from its weights and its trades, valued, ranked, and paid.

1. What an entrant has is what the stake bought at the first prices, and each trade in its order. It must be what was
   stored: a portfolio that no trade explains wins nothing, and stops the evaluation.
2. All are valued at the prices of one instant. A token that has none is valued at the last price that its contest
   knows: whoever makes a price go away delays the end, and does not prevent it.
3. The final standings are a strict order, and the pool is split by it: payouts, rake and dust are the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from functions.contests.core.portfolio import SNAPSHOT_S, Portfolio, Token, opened
from functions.contests.core.prizes import PrizeSplit, split
from functions.contests.core.standings import rank
from kernel.errors import Broken


class PortfolioUnexplained(Broken):
    """A portfolio is not what its trades make of it."""

    cause = "Somebody changed a portfolio, a trade or the prices of the start in the database, or the rules changed."
    remedy = "Compare the entrant's trades with the portfolio; nothing was ranked, and nothing is owed."


class Side(StrEnum):
    """Which way a trade goes."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """A trade as it was made: so much of a token at this price, then."""

    side: Side
    mint: str
    quantity: int
    token: Token
    at: datetime

    def on(self, portfolio: Portfolio) -> Portfolio:
        """The portfolio after it. Raises TradeUnfit."""
        if self.side is Side.BUY:
            return portfolio.bought(self.mint, self.quantity, self.token)
        return portfolio.sold(self.mint, self.quantity, self.token, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An entrant at the end: the portfolio, and how many snapshots it was worth more than its stake."""

    wallet: str
    portfolio: Portfolio
    snapshots_in_profit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an entrant reached, as the standings compare it. Money in micro-units."""

    wallet: str
    balance: int
    win_rate: int | None
    profitable_trades: int
    average_profit: int | None
    biggest_win: int | None
    time_in_profit: int
    first_profit_at: datetime | None
    profit: int


def replayed(
    stake: int, weights_bps: Mapping[str, int], first_tokens: Mapping[str, Token], trades: Iterable[Traded]
) -> Portfolio:
    """What the stake and the trades come to. Raises PortfolioUnfit, TradeUnfit."""
    portfolio = opened(stake, weights_bps, first_tokens)
    for trade in trades:
        portfolio = trade.on(portfolio)
    return portfolio


def require_explained(wallet: str, stored: Portfolio, made_anew: Portfolio) -> None:
    """Raises PortfolioUnexplained unless both are the same in everything."""
    if stored != made_anew:
        raise PortfolioUnexplained(wallet=wallet)


def last_known(snapshots: Token | None, traded_since: Token) -> Token:
    """The price that stands in for one that is not to be had: the newest snapshot's, or that of the newest trade since
    if it is lower, since whoever holds the token may be who made its price go away."""
    known = [one for one in (snapshots, traded_since) if one is not None]
    return min(known, key=lambda one: Fraction(one.price, 10**one.decimals))


def result(played: Played, tokens: Mapping[str, Token]) -> Result:
    """What one entrant reached at these prices."""
    record = played.portfolio.record
    return Result(
        wallet=played.wallet,
        balance=played.portfolio.value(tokens),
        win_rate=record.win_rate,
        profitable_trades=record.profitable_trades,
        average_profit=record.average_profit,
        biggest_win=record.biggest_win,
        time_in_profit=SNAPSHOT_S * played.snapshots_in_profit,
        first_profit_at=record.first_profit_at,
        profit=record.profit,
    )


def standings(played: Iterable[Played], tokens: Mapping[str, Token]) -> list[Result]:
    """Everybody's result, best first."""
    return rank([result(one, tokens) for one in played])


def prizes(pool_lamports: int, shares_bps: Sequence[int], rake_bps: int, entrants: int) -> PrizeSplit:
    """The pool, split, and checked to be all of it. Raises PrizeTableUnfit."""
    parts = split(pool_lamports, shares_bps, rake_bps, entrants)
    if sum(parts.payouts) + parts.rake + parts.dust != pool_lamports:
        raise AssertionError("payouts, rake and dust are the pool")
    return parts
