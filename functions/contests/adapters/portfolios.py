"""Portfolios and their trades in Postgres, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.contests.core.evaluation import Side, Traded
from functions.contests.core.portfolio import Portfolio, Position, Record, Token
from functions.contests.core.room import require_room, require_trade_left
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.postgres import Queries, Statements, Transaction

Q: Final = Queries.load(Path(__file__).with_name("portfolios.sql"))


class PortfolioUnknown(NotFound):
    """This wallet plays no part in the contest."""

    cause = "Its entry was not accepted, or the contest's id is another's."
    remedy = "Enter first: POST /v1/contests/{id}/enter."
    example = '{"contest": "019a9b6e-0000-7000-8000-000000000000"}'


class PortfolioLocked(Conflict):
    """The contest has started: weights cannot be changed any more."""

    cause = "What the weights said was bought at the start; from then on a change is a trade."
    remedy = "Trade: POST /v1/contests/{id}/trades."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPortfolio:
    """A row of contests.portfolios. held: None until the start."""

    contest_id: UUID
    wallet: str
    weights_bps: Mapping[str, int]
    held: Portfolio | None
    trades: int
    volume_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrade:
    """A row of contests.trades."""

    id: int
    wallet: str
    request_key: str
    traded: Traded
    money_micros: int
    profit_micros: int | None
    priced_at: datetime


class Portfolios:
    """The tables of portfolios and trades."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add(self, tx: Transaction, contest: UUID, wallet: str, weights_bps: Mapping[str, int]) -> None:
        """What an entrant will play with."""
        at = {"contest": contest, "wallet": wallet, "now": self._clock.now()}
        tx.execute(Q["add_portfolio"], weights_bps=Jsonb(dict(weights_bps)), **at)

    def weigh(self, tx: Transaction, contest: UUID, wallet: str, weights_bps: Mapping[str, int]) -> StoredPortfolio:
        """Other weights. Raises PortfolioUnknown, PortfolioLocked."""
        at = {"contest": contest, "wallet": wallet, "now": self._clock.now()}
        row = tx.maybe(Q["weigh"], weights_bps=Jsonb(dict(weights_bps)), **at)
        if row is None:
            self.get(tx, contest, wallet)
            raise PortfolioLocked(contest=str(contest))
        return stored_portfolio(row)

    def get(self, tx: Statements, contest: UUID, wallet: str, *, lock: bool = False) -> StoredPortfolio:
        """One portfolio, held until the commit if asked for. Raises PortfolioUnknown."""
        row = tx.maybe(Q["lock_portfolio" if lock else "portfolio"], contest=contest, wallet=wallet)
        if row is None:
            raise PortfolioUnknown(contest=str(contest))
        return stored_portfolio(row)

    def all(self, tx: Statements, contest: UUID) -> list[StoredPortfolio]:
        """All of a contest, in the order of the entries' numbers."""
        return [stored_portfolio(row) for row in tx.all(Q["portfolios"], contest=contest)]

    def mints(self, tx: Statements, contest: UUID) -> list[str]:
        """What they hold, or will buy."""
        return [row["mint"] for row in tx.all(Q["mints_played"], contest=contest)]

    def open(self, tx: Transaction, contest: UUID, bought: Mapping[str, Portfolio]) -> int:
        """Store what the stake has bought, by wallet; how many."""
        rows = [
            {"wallet": wallet, "cash_micros": held.cash, "positions": positions_of(held)}
            for wallet, held in bought.items()
        ]
        return tx.execute(Q["open_portfolios"], contest=contest, bought=Jsonb(rows), now=self._clock.now())

    def trade(
        self, tx: Transaction, before: StoredPortfolio, traded: Traded, *, request_key: str, priced_at: datetime
    ) -> tuple[StoredTrade, Portfolio]:
        """Make a trade on a locked portfolio, and store both.

        Raises TradeUnfit, PositionsFull, TradesFull, PortfolioUnknown before the start.
        """
        if before.held is None:
            raise PortfolioUnknown(contest=str(before.contest_id))
        require_trade_left(before.trades)
        if traded.side is Side.BUY:
            require_room(before.held.positions, traded.mint)
        after = traded.on(before.held)
        sold = traded.side is Side.SELL
        money, at = abs(after.cash - before.held.cash), {"contest": before.contest_id, "wallet": before.wallet}
        profit = after.record.profit - before.held.record.profit if sold else None
        tx.execute(Q["store_portfolio"], **at, **_columns(after), money_micros=money, now=traded.at)
        row = tx.one(
            Q["add_trade"],
            **at,
            request_key=request_key,
            side=traded.side,
            mint=traded.mint,
            quantity=traded.quantity,
            decimals=traded.token.decimals,
            price_micros=traded.token.price,
            money_micros=money,
            profit_micros=profit,
            priced_at=priced_at,
            now=traded.at,
        )
        return stored_trade(row), after

    def made(self, tx: Statements, contest: UUID, wallet: str, request_key: str) -> StoredTrade | None:
        """What a request has made before."""
        row = tx.maybe(Q["trade_of_request"], contest=contest, wallet=wallet, request_key=request_key)
        return None if row is None else stored_trade(row)

    def trades_of(self, tx: Statements, contest: UUID, wallet: str, *, below: int, limit: int) -> list[StoredTrade]:
        """An entrant's trades, the newest first."""
        rows = tx.all(Q["trades_of"], contest=contest, wallet=wallet, below=below, limit=limit)
        return [stored_trade(row) for row in rows]

    def trades(self, tx: Statements, contest: UUID, *, last_trade: int) -> dict[str, list[Traded]]:
        """Everybody's trades up to one of them, by wallet, in their order."""
        found: dict[str, list[Traded]] = {}
        for row in tx.all(Q["trades_up_to"], contest=contest, last_trade=last_trade):
            found.setdefault(row["wallet"], []).append(traded_of(row))
        return found

    def newest_of(self, tx: Statements, contest: UUID, since: Mapping[str, int]) -> dict[str, StoredTrade]:
        """Of each token its newest trade after one of them, if any."""
        rows = tx.all(Q["newest_trades_of"], contest=contest, mints=list(since), since=list(since.values()))
        return {row["mint"]: stored_trade(row) for row in rows}

    def last_trade(self, tx: Statements, contest: UUID) -> int:
        """The newest trade of a contest; 0 for none. Settled only while its row is locked."""
        return int(tx.one(Q["last_trade"], contest=contest)["id"])


def positions_of(held: Portfolio) -> dict[str, list[int]]:
    """Positions as they are stored."""
    return {mint: [one.quantity, one.cost] for mint, one in held.positions.items()}


def tokens_of(prices: Mapping[str, Sequence[Any]]) -> dict[str, Token]:
    """Prices as they were stored."""
    return {mint: Token(decimals=price[0], price=price[1]) for mint, price in prices.items()}


def stood_in_of(prices: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Where those are from that took the place of one that was not to be had, as they were stored."""
    return {mint: price[2] for mint, price in prices.items() if len(price) > 2}


def prices_of(tokens: Mapping[str, Token], stood_in: Mapping[str, str]) -> dict[str, list[int | str]]:
    """Prices as they are stored: by mint decimals and price, and where it is from if it stood in."""
    sources = {mint: [source] for mint, source in stood_in.items()}
    return {mint: [token.decimals, token.price, *sources.get(mint, [])] for mint, token in tokens.items()}


def stored_portfolio(row: Mapping[str, Any]) -> StoredPortfolio:
    """The portfolio of a row."""
    held = None
    if row["cash_micros"] is not None:
        record = Record(
            sales=row["sales"],
            profitable_trades=row["profitable_trades"],
            profit=row["profit_micros"],
            biggest_win=row["biggest_win_micros"],
            first_profit_at=row["first_profit_at"],
        )
        positions = {mint: Position(quantity, cost) for mint, (quantity, cost) in row["positions"].items()}
        held = Portfolio(cash=row["cash_micros"], positions=positions, record=record)
    named = {name: row[name] for name in ("contest_id", "wallet", "weights_bps", "trades")}
    return StoredPortfolio(held=held, volume_micros=int(row["volume_micros"]), **named)


def stored_trade(row: Mapping[str, Any]) -> StoredTrade:
    """The trade of a row."""
    named = {name: row[name] for name in ("id", "wallet", "request_key", "money_micros", "profit_micros", "priced_at")}
    return StoredTrade(traded=traded_of(row), **named)


def traded_of(row: Mapping[str, Any]) -> Traded:
    """What a row says was traded."""
    token = Token(decimals=row["decimals"], price=int(row["price_micros"]))
    quantity = int(row["quantity"])
    return Traded(side=Side(row["side"]), mint=row["mint"], quantity=quantity, token=token, at=row["traded_at"])


def _columns(held: Portfolio) -> dict[str, Any]:
    record = held.record
    return {
        "cash_micros": held.cash,
        "positions": Jsonb(positions_of(held)),
        "sales": record.sales,
        "profitable_trades": record.profitable_trades,
        "profit_micros": record.profit,
        "biggest_win_micros": record.biggest_win,
        "first_profit_at": record.first_profit_at,
    }
