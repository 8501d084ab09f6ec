"""Owns a log cursor in Postgres: its place, what it remembers, and the one transaction that moves both with the tasks.

Nothing is locked while the network is waited for. Whoever moves the cursor locks its row and finds in `version` whether
it is still what the work was based on; if not, the work is dropped, and has cost nothing but time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kernel.chain_events import EvmEvent
from kernel.errors import Broken
from kernel.evm.blocks import Log
from kernel.evm.log_cursor.memory import Memory
from kernel.evm.log_cursor.reorganisation import Block, Step, Track, taken
from kernel.evm.log_cursor.spans import Span
from kernel.evm.log_cursor.turn import TOO_DEEP, Moved
from kernel.evm.log_cursor.watch import Watch
from kernel.postgres import Postgres, Queries, Transaction
from kernel.tasks import Tasks

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class WatchChanged(Broken):
    """A watch of this name reads another chain, or makes tasks of another kind."""

    cause = "The chain id or the kind of a watch was changed, but its place belongs to the old ones."
    remedy = "Give the changed watch a new name and the block to start from."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a cursor stands, as one read found it."""

    track: Track
    span: Span
    version: int
    sequence: int
    alarm: str | None


class CursorStore:
    """The rows of one watch."""

    def __init__(self, postgres: Postgres, tasks: Tasks, watch: Watch) -> None:
        self._postgres, self._watch = postgres, watch
        self._memory = Memory(
            Q,
            tasks,
            watch=watch.name,
            kind=watch.kind,
            event=EvmEvent,
            placed=lambda events: [(event, event.log_index) for event in events],
        )

    def place(self, now: datetime) -> Place:
        """Where the cursor stands; the first call opens it. Raises WatchChanged."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["cursor"], watch=self._watch.name)
            if row is None:
                self._open(tx, now)
                row = tx.one(Q["cursor"], watch=self._watch.name)
            blocks = tx.all(Q["blocks"], watch=self._watch.name)
        if (row["chain_id"], row["kind"]) != (self._watch.chain_id, self._watch.kind):
            raise WatchChanged(watch=self._watch.name, chain_id=row["chain_id"], kind=row["kind"])
        return _place(row, blocks)

    def move(self, place: Place, step: Step, logs: Sequence[Log], span: Span, now: datetime) -> Moved[Place] | None:
        """Commit one step with the tasks of its events, in this order: retractions, then what is new.

        `logs` are those of the blocks taken. None when another turn moved the cursor since `place` was read.
        """
        with self._postgres.transaction() as tx:
            row = tx.one(Q["lock_cursor"], watch=self._watch.name)
            if row["version"] != place.version:
                return None
            retractions = self._memory.retractions(tx, step)
            track = taken(place.track, step)
            events = [self._event(log, track.readings[log.block_hash]) for log in logs]
            self._memory.remember(tx, step, track, events)
            self._memory.deliver(tx, place.sequence, [*retractions, *events], now)
            moved = replace(
                place,
                track=track,
                span=span,
                version=place.version + 1,
                sequence=place.sequence + len(retractions) + len(events),
                alarm=TOO_DEEP if step.is_too_deep else place.alarm,
            )
            alarm = TOO_DEEP if step.is_too_deep else None
            self._write(tx, moved, version=place.version, alarm=alarm, now=now)
        return Moved(place=moved, events=len(events), retractions=len(retractions))

    def note(self, span: Span) -> None:
        """Keep what was learned of a provider's limit."""
        with self._postgres.transaction() as tx:
            tx.execute(Q["note_span"], watch=self._watch.name, **_span_columns(span))

    def acknowledge(self) -> bool:
        """A person has seen to the alarm; whether there was one."""
        with self._postgres.transaction() as tx:
            return tx.execute(Q["acknowledge"], watch=self._watch.name) > 0

    def _open(self, tx: Transaction, now: datetime) -> None:
        tx.execute(
            Q["open_cursor"],
            watch=self._watch.name,
            chain_id=self._watch.chain_id,
            kind=self._watch.kind,
            start_block=self._watch.start_block,
            span_blocks=Span().blocks,
            now=now,
        )

    def _write(self, tx: Transaction, place: Place, *, version: int, alarm: str | None, now: datetime) -> None:
        tx.execute(
            Q["move_cursor"],
            watch=self._watch.name,
            next_block=place.track.next_number,
            sequence=place.sequence,
            version=version,
            alarm=alarm,
            now=now,
            **_span_columns(place.span),
        )

    def _event(self, log: Log, occurrence: int) -> EvmEvent:
        return EvmEvent(
            chain_id=self._watch.chain_id,
            block_number=log.block_number,
            block_hash=log.block_hash,
            transaction_hash=log.transaction_hash,
            log_index=log.log_index,
            address=log.address,
            topics=log.topics,
            data=log.data,
            occurrence=occurrence,
        )


def _place(row: dict[str, Any], blocks: Sequence[dict[str, Any]]) -> Place:
    canonical = tuple(Block(one["number"], one["hash"]) for one in blocks if one["is_canonical"])
    return Place(
        track=Track(
            start_block=row["start_block"],
            blocks=canonical,
            readings={one["hash"]: one["readings"] for one in blocks},
        ),
        span=Span(
            blocks=row["span_blocks"],
            proven=row["span_proven"],
            refused=row["span_refused"],
            well=row["span_well"],
        ),
        version=row["version"],
        sequence=row["sequence"],
        alarm=row["alarm"],
    )


def _span_columns(span: Span) -> dict[str, int | None]:
    return {
        "span_blocks": span.blocks,
        "span_proven": span.proven,
        "span_refused": span.refused,
        "span_well": span.well,
    }
