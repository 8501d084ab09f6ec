"""Owns a program cursor in Postgres: its place, what a walk found, and the transaction that moves them with the tasks.

Nothing is locked while the network is waited for. Whoever moves the cursor locks its row and finds in `version` whether
it is still what the work was based on; if not, the work is dropped, and has cost nothing but time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from kernel.chain_events import Delivery, SolanaEvent
from kernel.errors import Broken
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.program_cursor.walk import Finding, Mark, Page
from kernel.solana.program_cursor.watch import ProgramWatch
from kernel.tasks import Tasks, TaskSpec

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class ProgramWatchChanged(Broken):
    """A watch of this name reads another address, or makes tasks of another kind."""

    cause = "The cluster, the address or the kind of a watch was changed, but its place belongs to the old ones."
    remedy = "Give the changed watch a new name and the transaction to start after."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a cursor stands, as one read found it. `oldest` are the findings to deliver next, oldest first."""

    mark: Mark
    walk_before: str | None
    walk_is_done: bool
    waiting: int
    ordinal: int
    oldest: tuple[Finding, ...]
    version: int
    sequence: int
    alarm: str | None


class ProgramCursorStore:
    """The rows of one watch."""

    def __init__(self, postgres: Postgres, tasks: Tasks, watch: ProgramWatch) -> None:
        self._postgres, self._tasks, self._watch = postgres, tasks, watch

    def place(self, limit: int, now: datetime) -> Place:
        """Where the cursor stands, with at most `limit` findings; the first call opens it.

        Raises ProgramWatchChanged.
        """
        watch = self._watch
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["cursor"], watch=watch.name)
            if row is None:
                self._open(tx, now)
                row = tx.one(Q["cursor"], watch=watch.name)
            waiting = tx.one(Q["waiting"], watch=watch.name)
            oldest = tx.all(Q["oldest"], watch=watch.name, limit=limit)
        if (row["cluster"], row["address"], row["kind"]) != (watch.cluster, watch.address, watch.kind):
            raise ProgramWatchChanged(watch=watch.name, address=row["address"], kind=row["kind"])
        return Place(
            mark=Mark(row["last_signature"], row["last_slot"]),
            walk_before=row["walk_before"],
            walk_is_done=row["walk_is_done"],
            waiting=waiting["count"],
            ordinal=waiting["ordinal"],
            oldest=tuple(Finding(**finding) for finding in oldest),
            version=row["version"],
            sequence=row["sequence"],
            alarm=row["alarm"],
        )

    def keep(self, place: Place, page: Page, now: datetime) -> bool:
        """Keep what a page brought; False when another turn moved the cursor since `place` was read."""
        watch = self._watch.name
        with self._postgres.transaction() as tx:
            if not self._is_unmoved(tx, place):
                return False
            if page.findings:
                tx.many(
                    Q["keep_finding"],
                    [
                        {
                            "watch": watch,
                            "ordinal": one.ordinal,
                            "signature": one.signature,
                            "slot": one.slot,
                            "succeeded": one.succeeded,
                        }
                        for one in page.findings
                    ],
                )
            # A walk that found nothing is over at once.
            is_over = page.is_last and not (place.waiting or page.findings)
            before = None if is_over else page.before or place.walk_before
            tx.execute(Q["walk_on"], watch=watch, before=before, is_done=page.is_last and not is_over, now=now)
        return True

    def deliver(
        self, place: Place, passed: Sequence[Finding], events: Sequence[SolanaEvent], alarm: str | None, now: datetime
    ) -> bool:
        """Commit findings with the tasks of their events, oldest first; False when another turn moved the cursor."""
        newest = passed[-1]
        with self._postgres.transaction() as tx:
            if not self._is_unmoved(tx, place):
                return False
            self._tasks.enqueue(
                [
                    TaskSpec(
                        kind=self._watch.kind,
                        business_key=event.identity,
                        payload=Delivery(watch=self._watch.name, sequence=number, event=event).to_json(),
                        run_at=now,
                    )
                    for number, event in enumerate(events, place.sequence + 1)
                ],
                tx,
            )
            tx.execute(Q["forget_findings"], watch=self._watch.name, down_to=newest.ordinal)
            tx.execute(
                Q["move_cursor"],
                watch=self._watch.name,
                last_signature=newest.signature,
                last_slot=newest.slot,
                sequence=place.sequence + len(events),
                is_over=place.waiting == len(passed),
                alarm=alarm,
                now=now,
            )
        return True

    def acknowledge(self) -> bool:
        """A person has seen to the alarm; whether there was one."""
        with self._postgres.transaction() as tx:
            return tx.execute(Q["acknowledge"], watch=self._watch.name) > 0

    def _open(self, tx: Transaction, now: datetime) -> None:
        watch = self._watch
        tx.execute(
            Q["open_cursor"],
            watch=watch.name,
            cluster=watch.cluster,
            kind=watch.kind,
            address=watch.address,
            last_signature=watch.start_after,
            last_slot=watch.start_slot,
            now=now,
        )

    def _is_unmoved(self, tx: Transaction, place: Place) -> bool:
        return bool(tx.one(Q["lock_cursor"], watch=self._watch.name)["version"] == place.version)
