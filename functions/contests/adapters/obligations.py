"""What contests owe, stored: written down once, and moved by the table of core/obligation.py alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.contests.adapters.pay_steps import payment, payment_again
from functions.contests.adapters.pools import Pools
from functions.contests.core.obligation import (
    RETRY_S,
    Event,
    Kind,
    State,
    after,
    business_key,
    failed,
    is_over,
    require_conserved,
)
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.postgres import Queries, Transaction
from kernel.tasks import Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("obligations.sql"))


class ObligationChanged(Conflict):
    """A contest owes something else already."""

    cause = "The same contest's payouts or refunds were written down before, with other wallets or amounts."
    remedy = "Compare the stored lines with the contest's standings; nothing was changed."


class ObligationUnknown(NotFound):
    """A contest has no such line."""

    code = "contest_obligation_unknown"
    cause = "The contest, kind or number is misspelt."
    remedy = "Take them from the list of what is held or parked."


@dataclass(frozen=True, slots=True)
class Line:
    """What one wallet is to get. `line` is unique within the contest and kind."""

    line: int
    wallet: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A line as stored. `attempts` were ever sent, `tries` of them since somebody last replayed it."""

    contest_id: UUID
    kind: Kind
    line: int
    wallet: str
    lamports: int
    state: State
    attempts: int
    tries: int
    due_at: datetime
    entry_key: str | None
    signature: str | None
    reason: str | None
    moved_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Owed:
        """From a row of contests.obligations."""
        kept = {name: row[name] for name in cls.__slots__}
        return cls(**{**kept, "kind": Kind(row["kind"]), "state": State(row["state"])})

    @property
    def place(self) -> dict[str, Any]:
        """Which one it is."""
        return {"contest_id": self.contest_id, "kind": str(self.kind), "line": self.line}

    @property
    def next_key(self) -> str:
        """Under which its next attempt is in the outbox."""
        return business_key(self.contest_id, self.kind, self.line, self.attempts + 1)


@dataclass(frozen=True, slots=True)
class Stop:
    """Since when a line is held or parked, and which one it is."""

    moved_at: datetime
    contest_id: UUID
    kind: str
    line: int


#: Before every stop.
FIRST: Final[Mapping[str, Any]] = {"moved_at": "-infinity", "contest_id": UUID(int=0), "kind": "", "line": -1}


class Obligations:
    """The table contests.obligations. Whoever moves a line holds its contest's row."""

    def __init__(self, tasks: Tasks, pools: Pools, clock: Clock) -> None:
        self._tasks, self._pools, self._clock = tasks, pools, clock

    def owe(
        self, tx: Transaction, contest_id: UUID, kind: Kind, lines: Sequence[Line], *, rest_lamports: int = 0
    ) -> None:
        """Write down what a contest owes, in the commit that decided it, and the task that pays it.

        rest_lamports: rake and dust, which stay. A line of nothing is left out. Raises PoolNotConserved and
        ObligationChanged.
        """
        require_conserved(self._pools.balance(tx, contest_id), [one.lamports for one in lines], rest_lamports)
        owed = sorted((asdict(one) for one in lines if one.lamports), key=lambda one: int(one["line"]))
        self._store(tx, contest_id, kind, owed)
        if tx.all(Q["stored"], contest_id=contest_id, kind=str(kind)) != owed:
            raise ObligationChanged(contest=str(contest_id), kind=kind)
        self._tasks.enqueue([payment(contest_id, kind, self._clock.now())], tx)

    def owe_advance(self, tx: Transaction, contest_id: UUID, wallet: str, lamports: int) -> None:
        """Write down that the contest's wallet is to be lent its rent; nothing where an advance is not over."""
        advances = {
            state: lines for (kind, state), (lines, _) in self.standings(tx, contest_id).items() if kind == Kind.ADVANCE
        }
        if not advances.keys() - {State.PAID}:
            line = Line(advances.get(State.PAID, 0), wallet, lamports)
            self._store(tx, contest_id, Kind.ADVANCE, [asdict(line)])

    def due(self, tx: Transaction, contest_id: UUID, limit: int) -> list[Owed]:
        """What may be sent now."""
        return _all(tx.all(Q["due"], contest_id=contest_id, now=self._clock.now(), limit=limit))

    def standings(self, tx: Transaction, contest_id: UUID) -> dict[tuple[Kind, State], tuple[int, int]]:
        """How many lines stand where, and what they come to."""
        rows = tx.all(Q["standings"], contest_id=contest_id)
        return {(Kind(row["kind"]), State(row["state"])): (row["lines"], row["lamports"]) for row in rows}

    def unpaid(self, tx: Transaction, contest_id: UUID) -> list[int]:
        """Every amount that is still to leave the wallet, or may later."""
        return [row["lamports"] for row in tx.all(Q["unpaid"], contest_id=contest_id)]

    def lock(self, tx: Transaction, contest_id: UUID, kind: Kind, line: int) -> Owed:
        """One line, held until the commit. Raises ObligationUnknown."""
        row = tx.maybe(Q["lock_line"], contest_id=contest_id, kind=str(kind), line=line)
        if row is None:
            raise ObligationUnknown(contest=str(contest_id), kind=kind, line=line)
        return Owed.from_row(row)

    def of_entry(self, tx: Transaction, entry_key: str) -> Owed | None:
        """The line whose newest attempt this is, held until the commit."""
        row = tx.maybe(Q["lock_entry"], entry_key=entry_key)
        return None if row is None else Owed.from_row(row)

    def send(self, tx: Transaction, owed: Owed) -> None:
        """Its next attempt is recorded in the outbox, under its `next_key`."""
        state = str(after(owed.state, Event.SEND))
        tx.execute(Q["send"], **owed.place, state=state, entry_key=owed.next_key, now=self._clock.now())

    def hold(self, tx: Transaction, owed: Owed, reason: str) -> None:
        """Its account cannot take it."""
        self._move(tx, owed, Event.HOLD, reason=reason)

    def free(self, tx: Transaction, owed: Owed) -> None:
        """Now it can: it is paid like any other."""
        self._move(tx, owed, Event.FREE)
        self._tasks.enqueue([payment_again(owed.contest_id, owed.kind, self._clock.now())], tx)

    def confirm(self, tx: Transaction, owed: Owed, signature: str | None, slot: int | None) -> None:
        """Its transaction is final, in the block of this slot. The database takes no end without both."""
        self._move(tx, owed, Event.CONFIRM, signature=signature, slot=slot)

    def fail(self, tx: Transaction, owed: Owed, reason: str) -> State:
        """Its transaction had no effect and never will: tried again soon, or parked."""
        due_at = self._clock.now() + timedelta(seconds=RETRY_S)
        return self._move(tx, owed, failed(owed.tries), reason=reason, due_at=due_at)

    def replay(self, tx: Transaction, owed: Owed) -> None:
        """Try what was parked from the first try on."""
        tx.execute(Q["replay"], **owed.place, state=str(after(owed.state, Event.REPLAY)), now=self._clock.now())
        self._tasks.enqueue([payment_again(owed.contest_id, owed.kind, self._clock.now())], tx)

    def held(self, tx: Transaction, limit: int) -> list[Owed]:
        """What is held, longest unseen first."""
        return _all(tx.all(Q["held"], limit=limit))

    def looked(self, tx: Transaction, owed: Owed) -> None:
        """Its account still cannot take it."""
        tx.execute(Q["looked"], **owed.place, now=self._clock.now())

    def stopped(self, tx: Transaction, states: Sequence[State], *, behind: Stop | None, limit: int) -> list[Owed]:
        """What is held or parked, oldest first; there should be little of it."""
        place = FIRST if behind is None else asdict(behind)
        return _all(tx.all(Q["stopped"], states=[str(state) for state in states], limit=limit, **place))

    def of_contest(self, tx: Transaction, contest_id: UUID, limit: int, *, kind: str, line: int) -> list[Owed]:
        """A page of what a contest owes, behind a line."""
        return _all(tx.all(Q["of_contest"], contest_id=contest_id, limit=limit, kind=kind, line=line))

    def is_over(self, tx: Transaction, contest_id: UUID) -> bool:
        """Whether everybody has, or cannot take, what was owed."""
        return is_over(state for _, state in self.standings(tx, contest_id))

    def _store(self, tx: Transaction, contest_id: UUID, kind: Kind, lines: Sequence[Mapping[str, Any]]) -> None:
        tx.execute(Q["owe"], contest_id=contest_id, kind=str(kind), lines=Jsonb(lines), now=self._clock.now())

    def _move(
        self,
        tx: Transaction,
        owed: Owed,
        event: Event,
        *,
        reason: str | None = None,
        signature: str | None = None,
        slot: int | None = None,
        due_at: datetime | None = None,
    ) -> State:
        state, now = after(owed.state, event), self._clock.now()
        told = {"reason": reason, "signature": signature, "slot": slot, "due_at": due_at or now}
        tx.execute(Q["move"], **owed.place, **told, state=str(state), now=now)
        return state


def _all(rows: Sequence[Mapping[str, Any]]) -> list[Owed]:
    return [Owed.from_row(row) for row in rows]


def obligations_of(deps: Deps) -> Obligations:
    """As this container is set up."""
    return Obligations(deps.tasks, deps.pools, deps.clock)
