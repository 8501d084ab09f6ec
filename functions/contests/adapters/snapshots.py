"""What every portfolio of a running contest is worth, every 15 seconds: stored, told, and shown as the leaderboard.

A snapshot is taken under its contest's row, at the prices of the instant that it was due at. A token that has none then
is valued at the last price that the contest knows, marked, and the same for everybody: whoever makes a price go away
stops nobody else's leaderboard. Where the oracle's own price is not to be had the snapshot holds: it is stored with the
reason, and the leaderboard stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.contests.adapters.contests import Contests, Entrant, StoredContest, stored_contest
from functions.contests.adapters.life_steps import snapshot_tasks
from functions.contests.adapters.market import Market
from functions.contests.adapters.market_rows import TOKENS_OWN, PricesAt
from functions.contests.adapters.portfolios import Portfolios, prices_of, stood_in_of, tokens_of
from functions.contests.core.contest import State
from functions.contests.core.evaluation import last_known
from functions.contests.core.portfolio import Portfolio, Token
from functions.contests.core.snapshot import due_at, in_profit, leaderboard, numbers_due
from kernel.clock import Clock
from kernel.postgres import Fence, Postgres, Queries, Statements, Transaction
from kernel.realtime import Publisher
from kernel.tasks import Done, Outcome, Skipped, Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("snapshots.sql"))
#: The minute handler asks for what is due until the next one has surely run.
AHEAD: Final = timedelta(seconds=120)
#: How many places are told with each snapshot.
TOLD_MAX: Final = 10
ENDLESS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A row of contests.snapshots that has values. The sequences are in the order of the entries' numbers."""

    contest_id: UUID
    number: int
    due_at: datetime
    priced_at: datetime
    tokens: Mapping[str, Token]
    stood_in: Mapping[str, str]
    last_trade: int
    values_micros: Sequence[int]
    in_profit: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The last prices that a contest knows; stood_in: where each is from, as `snapshot 3` or `trade 9`."""

    tokens: Mapping[str, Token]
    stood_in: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A line of the leaderboard."""

    rank: int
    wallet: str
    value_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A part of the leaderboard as of a snapshot; of how many lines in all."""

    number: int | None
    priced_at: datetime | None
    stood_in: Mapping[str, str]
    lines: Sequence[Standing]
    entrants: int


class Snapshots:
    """The table of snapshots."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        contests: Contests,
        portfolios: Portfolios,
        market: Market,
        realtime: Publisher,
        clock: Clock,
    ) -> None:
        self._postgres, self._tasks, self._contests = postgres, tasks, contests
        self._portfolios, self._market, self._realtime, self._clock = portfolios, market, realtime, clock

    def plan(self, now: datetime) -> int:
        """Ask for the snapshots of the next two minutes, each once; how many."""
        with self._postgres.transaction() as tx:
            running = [stored_contest(row) for row in tx.all(Q["contests_running"])]
            asked = [task for one in running for task in snapshot_tasks(one, _numbers(one, now))]
            self._tasks.enqueue(asked, tx)
        return len(asked)

    def take(self, contest_id: UUID, number: int, fence: Fence) -> Outcome:
        """Value every portfolio of a running contest; one snapshot under one number."""
        with self._postgres.transaction(holding=fence) as tx:
            contest = self._contests.lock(tx, contest_id)
            if contest.state is not State.ACTIVE:
                return Skipped(f"the contest is {contest.state}")
            at = due_at(contest.starts_at, number)
            (_, tokens), missing = self._market.usable(tx, self._portfolios.mints(tx, contest_id), at)
            oracles = [one for one in missing.values() if not isinstance(one, TOKENS_OWN)]
            if oracles:
                result = self._hold(tx, contest, number, oracles[0].code)
            else:
                result = self._value(tx, contest, number, PricesAt(at, tokens), missing)
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def store(
        self,
        tx: Transaction,
        contest: StoredContest,
        number: int,
        priced: PricesAt,
        portfolios: Sequence[Portfolio],
        *,
        stood_in: Mapping[str, str],
    ) -> Snapshot:
        """The snapshot of a locked contest, stored and told."""
        priced_at, tokens = priced
        before = self.newest(tx, contest.id, below=number)
        values = [one.value(tokens) for one in portfolios]
        taken = Snapshot(
            contest_id=contest.id,
            number=number,
            due_at=due_at(contest.starts_at, number),
            priced_at=priced_at,
            tokens=tokens,
            stood_in=stood_in,
            last_trade=self._portfolios.last_trade(tx, contest.id),
            values_micros=values,
            in_profit=in_profit(before.in_profit if before else (), values, contest.stake_micros),
        )
        self._insert(tx, taken)
        self._tell(tx, taken)
        return taken

    def newest(self, tx: Statements, contest_id: UUID, *, below: int = ENDLESS) -> Snapshot | None:
        """The newest snapshot that has values, before a number."""
        row = tx.maybe(Q["newest_valued"], contest=contest_id, below=below)
        return None if row is None else _snapshot(row)

    def known(self, tx: Statements, contest_id: UUID, mints: Collection[str]) -> Known:
        """Of each token the price in the newest snapshot that has one, or that of a trade since if it is lower."""
        if not mints:
            return Known(tokens={}, stood_in={})
        rows = {row["mint"]: row for row in tx.all(Q["newest_prices"], contest=contest_id, mints=sorted(mints))}
        shown = {mint: row["price"] for mint, row in rows.items()}
        tokens, sources = tokens_of(shown), {mint: f"snapshot {row['number']}" for mint, row in rows.items()}
        sources |= stood_in_of(shown)
        since = {mint: rows[mint]["last_trade"] if mint in rows else 0 for mint in mints}
        for mint, trade in self._portfolios.newest_of(tx, contest_id, since).items():
            token = last_known(tokens.get(mint), trade.traded.token)
            if token != tokens.get(mint):
                tokens[mint], sources[mint] = token, f"trade {trade.id}"
        if tokens.keys() != set(mints):
            raise AssertionError("what is held was bought at the start or by a trade")
        return Known(tokens=tokens, stood_in=sources)

    def one(self, tx: Statements, contest_id: UUID, number: int) -> Snapshot:
        """One that has values, by its number. Raises UnexpectedRows where there is none."""
        return _snapshot(tx.one(Q["snapshot"], contest=contest_id, number=number))

    def board(self, contest_id: UUID, *, skip: int, limit: int) -> Board:
        """The leaderboard as of the newest snapshot, best first, without its first lines. Raises ContestUnknown."""
        with self._postgres.transaction() as tx:
            self._contests.get(tx, contest_id)
            taken = self.newest(tx, contest_id)
            entrants = self._contests.entrants(tx, contest_id)
        if taken is None:
            return Board(number=None, priced_at=None, stood_in={}, lines=(), entrants=len(entrants))
        lines = board_lines(taken.values_micros, entrants)[skip : skip + limit]
        at, stood_in = taken.priced_at, taken.stood_in
        return Board(number=taken.number, priced_at=at, stood_in=stood_in, lines=lines, entrants=len(entrants))

    def _value(
        self, tx: Transaction, contest: StoredContest, number: int, priced: PricesAt, missing: Collection[str]
    ) -> dict[str, Any]:
        """Stored with values; what has no price of its instant at the last that the contest knows."""
        known = self.known(tx, contest.id, missing)
        held = [one.held for one in self._portfolios.all(tx, contest.id)]
        opened = [one for one in held if one is not None]
        complete = PricesAt(priced.at, {**priced.tokens, **known.tokens})
        self.store(tx, contest, number, complete, opened, stood_in=known.stood_in)
        return {"entrants": len(opened), "stood_in": len(known.stood_in)}

    def _hold(self, tx: Transaction, contest: StoredContest, number: int, reason: str) -> dict[str, Any]:
        """Stored without values."""
        row = {"contest": contest.id, "number": number, "due_at": due_at(contest.starts_at, number)}
        empty: dict[str, Any] = {"priced_at": None, "prices": Jsonb({}), "values_micros": [], "in_profit": []}
        last_trade, now = self._portfolios.last_trade(tx, contest.id), self._clock.now()
        tx.execute(Q["add_snapshot"], **row, **empty, last_trade=last_trade, reason=reason, now=now)
        tx.execute(Q["count_snapshot"], contest=contest.id, number=number, now=now)
        return {"held": reason}

    def _insert(self, tx: Transaction, taken: Snapshot) -> None:
        now = self._clock.now()
        tx.execute(
            Q["add_snapshot"],
            contest=taken.contest_id,
            number=taken.number,
            due_at=taken.due_at,
            priced_at=taken.priced_at,
            prices=Jsonb(prices_of(taken.tokens, taken.stood_in)),
            last_trade=taken.last_trade,
            values_micros=list(taken.values_micros),
            in_profit=list(taken.in_profit),
            reason=None,
            now=now,
        )
        tx.execute(Q["count_snapshot"], contest=taken.contest_id, number=taken.number, now=now)

    def _tell(self, tx: Transaction, taken: Snapshot) -> None:
        lines = board_lines(taken.values_micros, self._contests.entrants(tx, taken.contest_id))[:TOLD_MAX]
        standings = [{"rank": one.rank, "wallet": one.wallet, "value_micros": str(one.value_micros)} for one in lines]
        told = {"contest": str(taken.contest_id), "snapshot": taken.number, "standings": standings}
        told |= {"at": taken.priced_at.isoformat(), "stood_in": dict(taken.stood_in)}
        self._realtime.publish(
            f"contest:{taken.contest_id}", told, after=tx, key=f"{taken.contest_id}/snapshot/{taken.number}"
        )


def board_lines(values_micros: Sequence[int], entrants: Sequence[Entrant]) -> list[Standing]:
    """The leaderboard's lines, best first; equals share a rank."""
    wallets = {one.number: one.wallet for one in entrants}
    return [
        Standing(rank=rank, wallet=wallets[number], value_micros=value)
        for rank, number, value in leaderboard(values_micros)
    ]


def _numbers(contest: StoredContest, now: datetime) -> range:
    return numbers_due(contest.starts_at, contest.ends_at, now, now + AHEAD)


def _snapshot(row: Mapping[str, Any]) -> Snapshot:
    names = ("contest_id", "number", "due_at", "priced_at", "last_trade", "values_micros", "in_profit")
    tokens, stood_in = tokens_of(row["prices"]), stood_in_of(row["prices"])
    return Snapshot(tokens=tokens, stood_in=stood_in, **{name: row[name] for name in names})


def snapshots_of(deps: Deps) -> Snapshots:
    """As this container is set up."""
    return Snapshots(
        deps.kernel.postgres,
        deps.tasks,
        deps.contests,
        deps.portfolios,
        deps.market,
        deps.kernel.realtime,
        deps.clock,
    )
