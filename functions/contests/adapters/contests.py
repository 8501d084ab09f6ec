"""Contests in Postgres: read, announced, and moved through their life, in the caller's transaction.

Whoever moves a contest locks its row first. Every step is an act in the audit log and news of the contest's topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.core.contest import ContestTransitionRefused, Event, Schedule, State, Status, after, status
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.postgres import Queries, Statements, Transaction
from kernel.realtime import Publisher

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("contests.sql"))
#: Who steps a contest when nobody asked for it.
ACTOR: Final = "contests"


class ContestUnknown(NotFound):
    """There is no such contest."""

    cause = "The id is misspelt, or the contest was never announced."
    remedy = "Take ids from GET /v1/contests."
    example = '{"contest": "019a9b6e-0000-7000-8000-000000000000"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a contest is played for, and when. Money that is staked is play money, in micro-units."""

    name: str
    fee_lamports: int
    entrants_min: int
    entrants_max: int
    starts_at: datetime
    ends_at: datetime
    stake_micros: int
    shares_bps: Sequence[int]
    rake_bps: int
    template: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContest:
    """A row of contests.contests; the migration says what its columns mean."""

    id: UUID
    name: str
    template: UUID | None
    state: State
    wallet: str | None
    fee_lamports: int
    entrants_min: int
    entrants_max: int
    starts_at: datetime
    ends_at: datetime
    stake_micros: int
    shares_bps: Sequence[int]
    rake_bps: int
    entrants: int
    pool_lamports: int
    snapshots: int
    reason: str | None
    created_at: datetime
    moved_at: datetime

    @property
    def status(self) -> Status:
        """What the outside sees of its state."""
        return status(self.state)

    @property
    def schedule(self) -> Schedule:
        """What its clock goes by."""
        return Schedule(start=self.starts_at, end=self.ends_at, entrants_min=self.entrants_min)

    @property
    def topic(self) -> str:
        """Where its news are told."""
        return f"contest:{self.id}"


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who entered; number: within the contest, in the order of acceptance, from 0."""

    wallet: str
    number: int
    lamports: int


class Contests:
    """The table of contests."""

    def __init__(self, audit: Audit, realtime: Publisher, clock: Clock) -> None:
        self._audit, self._realtime, self._clock = audit, realtime, clock

    def get(self, tx: Statements, contest_id: UUID) -> StoredContest:
        """One contest. Raises ContestUnknown."""
        return self._one(tx, "contest", contest_id)

    def lock(self, tx: Transaction, contest_id: UUID) -> StoredContest:
        """One contest, held until the commit against everybody else. Raises ContestUnknown."""
        return self._one(tx, "lock_contest", contest_id)

    def share(self, tx: Transaction, contest_id: UUID) -> StoredContest:
        """One contest, held until the commit against those who move it. Raises ContestUnknown."""
        return self._one(tx, "share_contest", contest_id)

    def announce(self, tx: Transaction, terms: Terms) -> StoredContest | None:
        """A new contest; None where its template has one at this moment already."""
        values = {field.name: getattr(terms, field.name) for field in fields(terms)}
        values["shares_bps"] = list(terms.shares_bps)
        row = tx.maybe(Q["add_contest"], id=new_id(), now=self._clock.now(), **values)
        return None if row is None else stored_contest(row)

    def step(
        self,
        tx: Transaction,
        contest: StoredContest,
        event: Event,
        *,
        actor: str = ACTOR,
        reason: str | None = None,
    ) -> StoredContest:
        """The contest after the event. Raises ContestTransitionRefused where the table or another worker is against it.

        The act's row is the head of the audit chain until the commit: step late, and commit soon.
        """
        moves = {"state": after(contest.state, event), "state_left": contest.state, "reason": reason}
        row = tx.maybe(Q["move_contest"], id=contest.id, now=self._clock.now(), **moves)
        if row is None:
            raise ContestTransitionRefused(contest=str(contest.id), state=contest.state, event=event)
        moved = stored_contest(row)
        details = {"from": contest.state, "to": moved.state} | ({} if reason is None else {"reason": reason})
        self.act(tx, contest, event, actor=actor, details=details)
        told = {"contest": str(moved.id), "status": moved.status, "state": moved.state, "reason": moved.reason}
        self._realtime.publish(moved.topic, told, after=tx, key=f"{moved.id}/{moved.state}")
        return moved

    def act(
        self,
        tx: Transaction,
        contest: StoredContest,
        verb: str,
        *,
        actor: str,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what somebody did to a contest in the record of privileged acts."""
        subject = f"contest:{contest.id}"
        self._audit.record(tx, actor=actor, action=f"contests.{verb}", subject=subject, details=details)

    def entrants(self, tx: Statements, contest_id: UUID) -> list[Entrant]:
        """Who entered, in the order of acceptance."""
        return [Entrant(**row) for row in tx.all(Q["entrants"], contest=contest_id)]

    def to_step(self, tx: Statements, until: datetime, *, limit: int) -> list[StoredContest]:
        """Whose start or end comes until then, or has passed."""
        return [stored_contest(row) for row in tx.all(Q["contests_to_step"], until=until, limit=limit)]

    def to_rank(self, tx: Statements, *, limit: int) -> list[StoredContest]:
        """Which are over and not ranked yet, the oldest first."""
        return [stored_contest(row) for row in tx.all(Q["contests_to_rank"], limit=limit)]

    def page(
        self, tx: Statements, *, below: tuple[datetime, UUID] | None, states: Sequence[State] | None, limit: int
    ) -> list[StoredContest]:
        """Contests, the last to start first, behind `below`; of these states, or of all."""
        starts_at, contest_id = below or ("infinity", UUID(int=2**128 - 1))
        wanted = None if states is None else [str(state) for state in states]
        rows = tx.all(Q["contests_page"], starts_at=starts_at, id=contest_id, states=wanted, limit=limit)
        return [stored_contest(row) for row in rows]

    def _one(self, tx: Statements, query: str, contest_id: UUID) -> StoredContest:
        row = tx.maybe(Q[query], id=contest_id)
        if row is None:
            raise ContestUnknown(contest=str(contest_id))
        return stored_contest(row)


def stored_contest(row: Mapping[str, Any]) -> StoredContest:
    """The contest of a row."""
    return StoredContest(**{**row, "state": State(row["state"])})


def contests_of(deps: Deps) -> Contests:
    """As this container is set up."""
    kernel = deps.kernel
    return Contests(Audit(kernel.postgres, deps.clock), kernel.realtime, deps.clock)
