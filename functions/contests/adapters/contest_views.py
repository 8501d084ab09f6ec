"""Owns the documents that show contests, entries, portfolios, trades and standings. Amounts are text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.adapters.portfolios import stood_in_of
from functions.contests.core.contest import State, Status
from functions.contests.core.evaluation import Side
from kernel.handler.http import Document
from kernel.moments import from_unix_us, unix_us

if TYPE_CHECKING:
    from functions.contests.adapters.contests import StoredContest
    from functions.contests.adapters.entries import StoredEntry
    from functions.contests.adapters.portfolios import StoredPortfolio, StoredTrade
    from functions.contests.adapters.snapshots import Board
    from functions.contests.adapters.templates import StoredTemplate

#: What a status means in states.
STATES: Final[Mapping[Status, Sequence[State]]] = {
    Status.PENDING: (State.PENDING,),
    Status.ACTIVE: (State.ACTIVE, State.EVALUATING, State.PAYING),
    Status.COMPLETED: (State.PAID, State.RAKED),
    Status.CANCELLED: (State.REFUNDING, State.REFUNDED, State.SWEPT),
}


class TemplateView(Document):
    """A template."""

    id: UUID
    name: str
    days: list[int]
    hours: list[int]
    duration_s: int
    announced_s: int
    fee_lamports: str | None
    entrants_min: int
    entrants_max: int
    shares_bps: list[int]
    rake_bps: int
    stake_micros: str
    is_active: bool
    created_at: datetime


class Templates(Document):
    """All of them, the newest first."""

    templates: list[TemplateView]


class ContestView(Document):
    """A contest. `pay_to`: where its fee goes, once it has a wallet."""

    id: UUID
    name: str
    status: Status
    state: State
    pay_to: str | None
    fee_lamports: str
    entrants: int
    entrants_min: int
    entrants_max: int
    pool_lamports: str
    shares_bps: list[int]
    rake_bps: int
    stake_micros: str
    starts_at: datetime
    ends_at: datetime
    reason: str | None


class ContestPage(Document):
    """Contests, the last to start first; `next_cursor` continues."""

    contests: list[ContestView]
    next_cursor: str | None


class EntryView(Document):
    """An entry that was accepted."""

    contest: UUID
    wallet: str
    number: int
    signature: str
    lamports: str
    slot: int
    paid_at: datetime | None
    entered_at: datetime


class MyEntry(Document):
    """One of one's own entries."""

    contest: UUID
    name: str
    state: State
    starts_at: datetime
    ends_at: datetime
    signature: str
    lamports: str
    entered_at: datetime


class MyEntries(Document):
    """One's own entries, the newest first; the next page is before `next_before`."""

    entries: list[MyEntry]
    next_before: datetime | None


class PositionView(Document):
    """So much of a token, and what was paid for it."""

    quantity: str
    cost_micros: str


class PortfolioView(Document):
    """What an entrant plays with; cash and positions from the start on."""

    contest: UUID
    wallet: str
    weights_bps: dict[str, int]
    cash_micros: str | None
    positions: dict[str, PositionView]
    profit_micros: str
    trades: int
    volume_micros: str


class TradeView(Document):
    """A trade as it was made. The price is in micro-units for 10^decimals of the token's smallest unit."""

    id: int
    side: Side
    mint: str
    quantity: str
    decimals: int
    price_micros: str
    money_micros: str
    profit_micros: str | None
    priced_at: datetime
    traded_at: datetime


class TradePage(Document):
    """Trades, the newest first; `next_cursor` continues."""

    trades: list[TradeView]
    next_cursor: int | None


class StandingView(Document):
    """A line of the leaderboard; equals share a rank."""

    rank: int
    wallet: str
    value_micros: str


class BoardView(Document):
    """The leaderboard as of a snapshot, best first; `next_skip` continues.

    stood_in: by mint, which price took the place of one that was not to be had then: `snapshot 3` or `trade 9`.
    """

    contest: UUID
    snapshot: int | None
    priced_at: datetime | None
    stood_in: dict[str, str]
    entrants: int
    standings: list[StandingView]
    next_skip: int | None


class ResultView(Document):
    """A place of the final standings."""

    place: int
    wallet: str
    balance_micros: str
    win_rate_ppm: int | None
    profitable_trades: int
    average_profit_micros: str | None
    biggest_win_micros: str | None
    time_in_profit_s: int
    first_profit_at: datetime | None
    profit_micros: str
    payout_lamports: str


class ResultsView(Document):
    """What a contest came to: payouts, rake and dust are the pool. `next_behind` continues.

    stood_in: by mint, which price took the place of one that was not to be had at the end: `present`, `snapshot 3` or
    `trade 9`.
    """

    contest: UUID
    priced_at: datetime
    stood_in: dict[str, str]
    pool_lamports: str
    rake_lamports: str
    dust_lamports: str
    results: list[ResultView]
    next_behind: int | None


def below(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place that a cursor names."""
    if cursor is None:
        return None
    micros, _, contest = cursor.partition("_")
    return from_unix_us(int(micros)), UUID(contest)


def template_view(one: StoredTemplate) -> TemplateView:
    """Of a row."""
    named = {name: getattr(one, name) for name in TemplateView.model_fields}
    fee = None if one.fee_lamports is None else str(one.fee_lamports)
    return TemplateView(**{**named, "fee_lamports": fee, "stake_micros": str(one.stake_micros)})


def contest_view(one: StoredContest) -> ContestView:
    """Of a row."""
    named = {name: getattr(one, name) for name in ContestView.model_fields if name != "pay_to"}
    amounts = {name: str(getattr(one, name)) for name in ("fee_lamports", "pool_lamports", "stake_micros")}
    return ContestView(pay_to=one.wallet, **{**named, **amounts})


def contest_page(found: Sequence[StoredContest], limit: int) -> ContestPage:
    """Of a page of rows."""
    last = found[-1] if len(found) == limit else None
    cursor = None if last is None else f"{unix_us(last.starts_at)}_{last.id}"
    return ContestPage(contests=[contest_view(one) for one in found], next_cursor=cursor)


def entry_view(one: StoredEntry) -> EntryView:
    """Of a row."""
    named = {name: getattr(one, name) for name in ("wallet", "number", "signature", "slot", "paid_at", "entered_at")}
    return EntryView(contest=one.contest_id, lamports=str(one.lamports), **named)


def my_entries(rows: Sequence[Mapping[str, Any]], limit: int) -> MyEntries:
    """Of a page of rows."""
    names = ("name", "state", "starts_at", "ends_at", "signature", "entered_at")
    entries = [
        MyEntry(contest=row["contest_id"], lamports=str(row["lamports"]), **{name: row[name] for name in names})
        for row in rows
    ]
    return MyEntries(entries=entries, next_before=rows[-1]["entered_at"] if len(rows) == limit else None)


def portfolio_view(one: StoredPortfolio) -> PortfolioView:
    """Of a row."""
    held = one.held
    positions = {} if held is None else held.positions
    return PortfolioView(
        contest=one.contest_id,
        wallet=one.wallet,
        weights_bps=dict(one.weights_bps),
        cash_micros=None if held is None else str(held.cash),
        positions={
            mint: PositionView(quantity=str(place.quantity), cost_micros=str(place.cost))
            for mint, place in positions.items()
        },
        profit_micros="0" if held is None else str(held.record.profit),
        trades=one.trades,
        volume_micros=str(one.volume_micros),
    )


def trade_view(one: StoredTrade) -> TradeView:
    """Of a row."""
    traded = one.traded
    return TradeView(
        id=one.id,
        side=traded.side,
        mint=traded.mint,
        quantity=str(traded.quantity),
        decimals=traded.token.decimals,
        price_micros=str(traded.token.price),
        money_micros=str(one.money_micros),
        profit_micros=None if one.profit_micros is None else str(one.profit_micros),
        priced_at=one.priced_at,
        traded_at=traded.at,
    )


def trade_page(found: Sequence[StoredTrade], limit: int) -> TradePage:
    """Of a page of rows."""
    return TradePage(
        trades=[trade_view(one) for one in found], next_cursor=found[-1].id if len(found) == limit else None
    )


def board_view(contest: UUID, board: Board, skip: int) -> BoardView:
    """Of a part of the leaderboard."""
    lines = [StandingView(rank=one.rank, wallet=one.wallet, value_micros=str(one.value_micros)) for one in board.lines]
    reached = skip + len(lines)
    return BoardView(
        contest=contest,
        snapshot=board.number,
        priced_at=board.priced_at,
        stood_in=dict(board.stood_in),
        entrants=board.entrants,
        standings=lines,
        next_skip=reached if lines and reached < board.entrants else None,
    )


def results_view(
    contest: UUID, evaluation: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], limit: int
) -> ResultsView:
    """Of what a contest came to."""
    amounts = {name: str(evaluation[name]) for name in ("pool_lamports", "rake_lamports", "dust_lamports")}
    return ResultsView(
        contest=contest,
        priced_at=evaluation["priced_at"],
        stood_in=stood_in_of(evaluation["prices"]),
        results=[_result_view(row) for row in rows],
        next_behind=rows[-1]["place"] if len(rows) == limit else None,
        **amounts,
    )


def _result_view(row: Mapping[str, Any]) -> ResultView:
    named = {name: row[name] for name in ResultView.model_fields}
    texts = ("balance_micros", "average_profit_micros", "biggest_win_micros", "profit_micros", "payout_lamports")
    return ResultView(**{**named, **{name: None if row[name] is None else str(row[name]) for name in texts}})
