"""Watches in Postgres: every read and every write of their table, in the caller's transaction.

Whoever changes anything of an exchange holds its watch first: so of two workers the second sees what the first did.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.barter.adapters.steps import look
from functions.barter.adapters.stored import StoredWatch, stored_watch
from functions.barter.core.watch import (
    LIVE_MAX,
    STRANGERS_MAX,
    Event,
    State,
    WatchTransitionRefused,
    after,
    has_room,
    is_changed_by,
)
from kernel.clock import Clock
from kernel.correlation import current
from kernel.errors import Conflict, NotFound
from kernel.evm.addresses import checksum
from kernel.postgres import Queries, Statements, Transaction
from kernel.tasks import Tasks

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
Tell = Callable[[Transaction, StoredWatch, str, Mapping[str, Any]], None]


class MarketUnknown(NotFound):
    """No exchange at this address is watched."""

    cause = "The address is misspelt, of another chain, or was never given to watchContract."
    remedy = "Call watchContract with the exchange's address first."
    example = '{"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}'


class TooManyWatches(Conflict):
    """No further exchange can be watched now."""

    cause = "As many exchanges as one deployment follows, or follows for callers below operators, have not ended yet."
    remedy = "Wait until some of them are over, ask with an operator's key, or run a second deployment."
    example = '{"live_max": 1000, "strangers_max": 200}'


class Watches:
    """The exchanges of one chain that are followed."""

    def __init__(self, tasks: Tasks, clock: Clock, *, chain_id: int, tell: Tell | None = None) -> None:
        """tell: called in the transaction of each step that is taken."""
        self._tasks, self._clock, self.chain_id, self._tell = tasks, clock, chain_id, tell

    def watch(self, tx: Transaction, address: str, *, by_operator: bool) -> StoredWatch:
        """Follow an exchange from now on, whatever its phase; again is no other watch. Raises TooManyWatches.

        Its next look is asked for with it. by_operator: we pay for it, from now on if not before.
        """
        tx.execute(Q["lock_count"])
        if self.of(tx, address) is None:
            self._admit(tx, by_operator=by_operator)
            named = {"chain_id": self.chain_id, "address": checksum(address), "is_ours": by_operator}
            row = tx.one(Q["insert_watch"], **named, correlation_id=current(), now=self._clock.now())
            return self.plan_look(tx, stored_watch(row), self._clock.now())
        watch = self.hold(tx, address)
        if not is_changed_by(watch.state, is_ours=watch.is_ours, by_operator=by_operator):
            return watch  # somebody else has asked just now
        if watch.state == State.LAPSED:
            self._admit(tx, by_operator=by_operator)
            watch = self.move(tx, watch, Event.RESUME, {})
        if by_operator:
            row = tx.one(Q["raise_watch"], **watch.row, correlation_id=current(), now=self._clock.now())
            watch = stored_watch(row)
        return self.plan_look(tx, watch, self._clock.now())

    def of(self, tx: Statements, address: str) -> StoredWatch | None:
        """The watch of an exchange; None where it is not watched."""
        row = tx.maybe(Q["watch"], chain_id=self.chain_id, address=checksum(address))
        return None if row is None else stored_watch(row)

    def require(self, tx: Statements, address: str) -> StoredWatch:
        """The same. Raises MarketUnknown."""
        found = self.of(tx, address)
        if found is None:
            raise MarketUnknown(address=address)
        return found

    def hold(self, tx: Transaction, address: str) -> StoredWatch:
        """The same, held until the commit. Raises MarketUnknown."""
        row = tx.maybe(Q["lock_watch"], chain_id=self.chain_id, address=checksum(address))
        if row is None:
            raise MarketUnknown(address=address)
        return stored_watch(row)

    def move(self, tx: Transaction, watch: StoredWatch, event: Event, told: Mapping[str, Any]) -> StoredWatch:
        """The watch after the event; `told` goes into its history. Raises WatchTransitionRefused."""
        columns = {
            "state": after(watch.state, event),
            "state_left": watch.state,
            "event": event,
            "details": Jsonb(dict(told)),
            "correlation_id": current(),
        }
        row = tx.maybe(Q["move_watch"], **watch.row, **columns, now=self._clock.now())
        if row is None:
            raise WatchTransitionRefused(state=watch.state, event=event, address=watch.address)
        moved = stored_watch(row)
        if self._tell is not None:
            self._tell(tx, moved, str(event), told)
        return moved

    def stir(self, tx: Transaction, watch: StoredWatch) -> None:
        """Its exchange has changed its phase, so it does not stand still."""
        tx.execute(Q["stir_watch"], **watch.row, now=self._clock.now())

    def lapsing(self, tx: Transaction, moved: datetime, watched: datetime, limit: int) -> list[StoredWatch]:
        """Strangers' watches that last moved, or that began, at one of two moments or before; held until the commit."""
        rows = tx.all(Q["lock_lapsing"], chain_id=self.chain_id, moved=moved, watched=watched, limit=limit)
        return [stored_watch(row) for row in rows]

    def unseen(self, tx: Transaction, watch: StoredWatch, reason: str | None) -> None:
        """Keep why nothing was seen of the exchange; None once something is."""
        tx.execute(Q["note_unseen"], **watch.row, reason=reason)

    def plan_look(self, tx: Transaction, watch: StoredWatch, at: datetime) -> StoredWatch:
        """Ask for the next look; the one that was planned before plans none any more."""
        planned = stored_watch(tx.one(Q["plan_look"], **watch.row, at=at))
        self._tasks.enqueue([look(planned.chain_id, planned.address, planned.looks, at)], tx)
        return planned

    def plan_missed(self, tx: Transaction, before: datetime, limit: int) -> int:
        """Ask anew for looks that were due before a moment, whatever became of their tasks; how many."""
        rows = tx.all(Q["missed_looks"], chain_id=self.chain_id, before=before, limit=limit)
        for row in rows:
            self.plan_look(tx, stored_watch(row), self._clock.now())
        return len(rows)

    def followed(self, tx: Statements) -> tuple[tuple[str, ...], int]:
        """The addresses that operators asked for, whose events are read, and the first block that counts for any."""
        rows = tx.all(Q["live_contracts"], chain_id=self.chain_id)
        return tuple(row["address"] for row in rows), rows[0]["first_block"] if rows else 0

    def hopeless(self, tx: Statements) -> int:
        """How many wait for a proof that nobody tries any more."""
        return int(tx.one(Q["hopeless"], chain_id=self.chain_id)["hopeless"])

    def late(self, tx: Statements, trade_before: int, limit: int) -> list[StoredWatch]:
        """Those that wait for a proof since before a block."""
        rows = tx.all(Q["late_contracts"], chain_id=self.chain_id, trade_before=trade_before, limit=limit)
        return [stored_watch(row) for row in rows]

    def _admit(self, tx: Transaction, *, by_operator: bool) -> None:
        """Raises TooManyWatches."""
        row = tx.one(Q["count_live"], chain_id=self.chain_id)
        if not has_room(row["live"], row["strangers"], by_operator=by_operator):
            raise TooManyWatches(live_max=LIVE_MAX, strangers_max=STRANGERS_MAX)
