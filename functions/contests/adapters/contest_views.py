"""Owns the documents of contests, entries, portfolios, trades and standings. Amounts are text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool

from functions.contests.adapters.contests import StoredContest, Terms
from functions.contests.adapters.entries import StoredEntry
from functions.contests.adapters.portfolios import StoredPortfolio, StoredTrade
from functions.contests.adapters.snapshots import Board
from functions.contests.adapters.templates import StoredTemplate, TemplateTerms
from functions.contests.core.contest import State, Status
from functions.contests.core.evaluation import Side
from functions.contests.core.prizes import DEFAULT_RAKE_BPS, DEFAULT_SHARES_BPS
from functions.contests.core.terms import ENTRANTS_MAX, STAKE_MICROS
from kernel.handler.http import Document

#: A moment in microseconds, of which seventeen digits are within the calendar, and an id.
CURSOR: Final = r"^[0-9]{1,17}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
ASKED_KEY: Final = r"^[A-Za-z0-9._-]{1,128}$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

ADDRESS: Final = r"^[1-9A-HJ-NP-Za-km-z]{32,44}$"


def whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Address = Annotated[str, Field(pattern=ADDRESS)]
SignatureText = Annotated[str, Field(pattern=r"^[1-9A-HJ-NP-Za-km-z]{64,88}$")]
#: Below 10^12 lamports, a thousand SOL.
FeeText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,11}$")]
#: Below 10^13 micro-units, ten million.
StakeText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,12}$")]
QuantityText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,29}$")]
Whole = BeforeValidator(whole)
Bps = Annotated[int, Field(strict=True, ge=0, le=10_000), Whole]
Weight = Annotated[int, Field(strict=True, ge=1, le=10_000), Whole]
Shares = Annotated[list[Bps], Field(min_length=1, max_length=100)]
Weights = Annotated[
    dict[Address, Weight], Field(min_length=1, max_length=50, json_schema_extra={"additionalProperties": False})
]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Count = Annotated[int, Field(strict=True, ge=2, le=ENTRANTS_MAX), Whole]
#: What a status means in states.
STATES: Final[Mapping[Status, Sequence[State]]] = {
    Status.PENDING: (State.PENDING,),
    Status.ACTIVE: (State.ACTIVE, State.EVALUATING, State.PAYING),
    Status.COMPLETED: (State.PAID, State.RAKED),
    Status.CANCELLED: (State.REFUNDING, State.REFUNDED, State.SWEPT),
}


class _Played(Document):
    name: Name
    fee_lamports: FeeText | None = None
    entrants_min: Count = 2
    entrants_max: Count = ENTRANTS_MAX
    shares_bps: Shares = Field(default=list(DEFAULT_SHARES_BPS))
    rake_bps: Bps = DEFAULT_RAKE_BPS
    stake_micros: StakeText = str(STAKE_MICROS)


class ContestBody(_Played):
    """A contest; without a fee it costs what is usual."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime

    def terms(self, usual_fee_lamports: int) -> Terms:
        """What it is played for."""
        return Terms(
            name=self.name,
            fee_lamports=int(self.fee_lamports or usual_fee_lamports),
            entrants_min=self.entrants_min,
            entrants_max=self.entrants_max,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            stake_micros=int(self.stake_micros),
            shares_bps=self.shares_bps,
            rake_bps=self.rake_bps,
        )


class TemplateBody(_Played):
    """What opens contests: days of the week, Monday being 1, and hours in UTC."""

    days: Annotated[list[Annotated[int, Field(strict=True, ge=1, le=7), Whole]], Field(min_length=1, max_length=7)]
    hours: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=23), Whole]], Field(min_length=1, max_length=24)]
    duration_s: Annotated[int, Field(strict=True, ge=60, le=2_678_400), Whole]
    announced_s: Annotated[int, Field(strict=True, ge=60, le=604_800), Whole] = 86_400

    def terms(self) -> TemplateTerms:
        """What its contests are played for."""
        values = self.model_dump()
        fee = None if self.fee_lamports is None else int(self.fee_lamports)
        return TemplateTerms(**{**values, "fee_lamports": fee, "stake_micros": int(self.stake_micros)})


class SwitchBody(Document):
    """Whether a template opens contests."""

    is_active: StrictBool


class EntryBody(Document):
    """The transfer that paid, and how the stake is spread: basis points by mint, 10 000 in all."""

    signature: SignatureText
    weights_bps: Weights


class WeightsBody(Document):
    """How the stake is spread: basis points by mint, 10 000 in all."""

    weights_bps: Weights


class TradeBody(Document):
    """So much of a token, in its smallest unit, at the market's price."""

    side: Side
    mint: Address
    quantity: QuantityText


class CancelBody(Document):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


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
    """The leaderboard as of a snapshot, best first; `next_skip` continues."""

    contest: UUID
    snapshot: int | None
    priced_at: datetime | None
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
    """What a contest came to: payouts, rake and dust are the pool. `next_behind` continues."""

    contest: UUID
    priced_at: datetime
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
    return _EPOCH + int(micros) * _MICROSECOND, UUID(contest)


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
    cursor = None if last is None else f"{(last.starts_at - _EPOCH) // _MICROSECOND}_{last.id}"
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
        results=[_result_view(row) for row in rows],
        next_behind=rows[-1]["place"] if len(rows) == limit else None,
        **amounts,
    )


def _result_view(row: Mapping[str, Any]) -> ResultView:
    named = {name: row[name] for name in ResultView.model_fields}
    texts = ("balance_micros", "average_profit_micros", "biggest_win_micros", "profit_micros", "payout_lamports")
    return ResultView(**{**named, **{name: None if row[name] is None else str(row[name]) for name in texts}})
