"""A contest's start, end and cancellation: each one commit, in which everything that follows from it is decided.

start    every portfolio buys what its weights say, at the prices of one instant, which is snapshot 0; what has no
         price for five minutes stays cash
end      nothing is traded any more, and the evaluation is asked for
cancel   every entry fee is owed to whoever paid it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.contests import ACTOR, Contests, StoredContest, Terms
from functions.contests.adapters.life_steps import evaluate_task, snapshot_tasks, step_task
from functions.contests.adapters.market import Market
from functions.contests.adapters.market_rows import PricesAt
from functions.contests.adapters.obligations import Line, Obligations
from functions.contests.adapters.portfolios import Portfolios
from functions.contests.adapters.snapshots import AHEAD, Snapshots
from functions.contests.adapters.wallet_steps import assignment
from functions.contests.core.contest import PATIENCE, Event, State, due
from functions.contests.core.obligation import Kind
from functions.contests.core.portfolio import opened
from functions.contests.core.snapshot import numbers_due
from functions.contests.core.terms import Frame, require_fit
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks, TaskSpec

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

#: Within the grace window a late entry may still make up a contest.
LOOK_S: Final = 5.0
CONTESTS_MAX: Final = 1_000
TOO_FEW: Final = "too_few_entrants"


class ContestDecided(Conflict):
    """This contest cannot be cancelled any more."""

    cause = "Its standings are stored and its prizes are owed, or it was cancelled before."
    remedy = "Look at its state: GET /v1/contests/{id}."


class Living:
    """Moves contests when their time comes, or somebody says so."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        contests: Contests,
        portfolios: Portfolios,
        snapshots: Snapshots,
        market: Market,
        obligations: Obligations,
        clock: Clock,
    ) -> None:
        self._postgres, self._tasks, self._contests = postgres, tasks, contests
        self._portfolios, self._snapshots, self._market = portfolios, snapshots, market
        self._obligations, self._clock = obligations, clock

    def announce(self, tx: Transaction, terms: Terms) -> StoredContest | None:
        """A new contest, and the task that gives it a wallet; None where its template has one at that moment."""
        contest = self._contests.announce(tx, terms)
        if contest is not None:
            self._tasks.enqueue([assignment(contest.id, self._clock.now())], tx)
        return contest

    def announce_one(self, terms: Terms, *, actor: str) -> StoredContest:
        """The same for a contest that an administrator wants. Raises TermsUnfit, PrizeTableUnfit."""
        names = [field.name for field in fields(Frame)]
        require_fit(Frame(**{name: getattr(terms, name) for name in names}), self._clock.now())
        with self._postgres.transaction() as tx:
            contest = self.announce(tx, terms)
            if contest is None:
                raise AssertionError("only a template's contest may be there already")
            self._contests.act(tx, contest, "announce", actor=actor)
        return contest

    def contest(self, contest_id: UUID) -> StoredContest:
        """One contest. Raises ContestUnknown."""
        return self._contests.get(self._postgres.glance, contest_id)

    def page(
        self, states: Sequence[State] | None, *, below: tuple[datetime, UUID] | None, limit: int
    ) -> list[StoredContest]:
        """Contests of these states, or of all, the last to start first."""
        return self._contests.page(self._postgres.glance, below=below, states=states, limit=limit)

    def plan(self, now: datetime) -> int:
        """Ask for the starts and ends of the next two minutes, and of whatever was missed; how many."""
        with self._postgres.transaction() as tx:
            near = self._contests.to_step(tx, now + AHEAD, limit=CONTESTS_MAX)
            self._tasks.enqueue([step_task(one) for one in near], tx)
        return len(near)

    def step(self, contest_id: UUID, fence: Fence) -> Outcome:
        """What a contest's clock makes happen now. Raises PriceUnusable: a start waits for prices a while."""
        with self._postgres.transaction(holding=fence) as tx:
            contest = self._contests.lock(tx, contest_id)
            now = self._clock.now()
            event = due(contest.state, contest.schedule, contest.entrants, now)
            if event is None:
                return self._nothing(contest, now)
            result = {"event": event, "state": self._taken(tx, contest, event).state}
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def cancel(self, contest_id: UUID, *, actor: str, reason: str) -> StoredContest:
        """Cancel what is not decided yet; the same again finds itself. Raises ContestUnknown, ContestDecided."""
        with self._postgres.transaction() as tx:
            contest = self._contests.lock(tx, contest_id)
            if contest.state is State.REFUNDING:
                return contest
            if contest.state not in (State.PENDING, State.ACTIVE, State.EVALUATING):
                raise ContestDecided(contest=str(contest_id), state=contest.state)
            return self._cancel(tx, contest, actor, reason)

    def _nothing(self, contest: StoredContest, now: datetime) -> Outcome:
        """What is not due: too early, too late, or within the grace window."""
        if contest.state is State.PENDING and now >= contest.starts_at:
            return Retry(LOOK_S, "within the grace window")
        waits = {State.PENDING: contest.starts_at, State.ACTIVE: contest.ends_at}
        if contest.state not in waits:
            return Skipped(f"the contest is {contest.state}")
        return Retry(max(0.0, (waits[contest.state] - now).total_seconds()), "its time has not come")

    def _taken(self, tx: Transaction, contest: StoredContest, event: Event) -> StoredContest:
        if event is Event.START:
            return self._start(tx, contest)
        if event is Event.CANCEL:
            return self._cancel(tx, contest, ACTOR, TOO_FEW)
        self._tasks.enqueue([evaluate_task(contest.id, self._clock.now())], tx)
        return self._contests.step(tx, contest, event)

    def _start(self, tx: Transaction, contest: StoredContest) -> StoredContest:
        stored = self._portfolios.all(tx, contest.id)
        now = self._clock.now()
        priced = self._prices(tx, contest, now)
        bought = {one.wallet: opened(contest.stake_micros, one.weights_bps, priced.tokens) for one in stored}
        if self._portfolios.open(tx, contest.id, bought) != contest.entrants:
            raise AssertionError("a contest starts with a portfolio for each entrant")
        self._snapshots.store(tx, contest, 0, priced, list(bought.values()), stood_in={})
        first = numbers_due(contest.starts_at, contest.ends_at, now, now + AHEAD)
        running = self._contests.step(tx, contest, Event.START)
        self._tasks.enqueue([*snapshot_tasks(running, first), *_end(running, now)], tx)
        return running

    def _prices(self, tx: Transaction, contest: StoredContest, now: datetime) -> PricesAt:
        """Of all tokens, or after a while of those that have one. Raises PriceUnusable."""
        mints = self._portfolios.mints(tx, contest.id)
        if now < contest.starts_at + PATIENCE:
            return self._market.prices(tx, mints, now)
        priced, _ = self._market.usable(tx, mints, now)
        return priced

    def _cancel(self, tx: Transaction, contest: StoredContest, actor: str, reason: str) -> StoredContest:
        lines = [Line(one.number, one.wallet, one.lamports) for one in self._contests.entrants(tx, contest.id)]
        self._obligations.owe(tx, contest.id, Kind.REFUND, lines)
        return self._contests.step(tx, contest, Event.CANCEL, actor=actor, reason=reason)


def _end(contest: StoredContest, now: datetime) -> list[TaskSpec]:
    """The end, if it comes before the minute handler has seen the contest run."""
    return [step_task(contest)] if contest.ends_at <= now + AHEAD else []


def living_of(deps: Deps) -> Living:
    """As this container is set up."""
    return Living(
        deps.kernel.postgres,
        deps.tasks,
        deps.contests,
        deps.portfolios,
        deps.snapshots,
        deps.market,
        deps.obligations,
        deps.clock,
    )
