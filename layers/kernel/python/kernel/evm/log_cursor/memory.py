"""Owns what a cursor remembers of the blocks that it read: which events to take back, what to keep, what to deliver.

Every method runs in the transaction that moves the cursor. A cursor brings the queries over tables of its own: both
have the same columns but for an event's position in its block.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from psycopg.types.json import Jsonb

from kernel.chain_events import Delivery, EvmEvent, StarknetEvent
from kernel.evm.log_cursor.reorganisation import KEPT_MAX, Step, Track
from kernel.postgres import Queries, Transaction
from kernel.tasks import Tasks, TaskSpec

E = TypeVar("E", EvmEvent, StarknetEvent)


class Memory(Generic[E]):
    """The blocks and events of one watch. placed: events of whole blocks, in order, each with its position there."""

    def __init__(
        self,
        queries: Queries,
        tasks: Tasks,
        *,
        watch: str,
        kind: str,
        event: type[E],
        placed: Callable[[Sequence[E]], Iterable[tuple[E, int]]],
    ) -> None:
        self._queries, self._tasks = queries, tasks
        self._watch, self._kind = watch, kind
        self._event: type[E] = event
        self._placed: Callable[[Sequence[E]], Iterable[tuple[E, int]]] = placed

    def retractions(self, tx: Transaction, step: Step) -> list[E]:
        """The events of the blocks that are dropped, the newest first, taken back."""
        hashes = [block.hash for block in step.dropped]
        rows = tx.all(self._queries["events_of"], watch=self._watch, hashes=hashes) if hashes else []
        told = [(self._event.from_json(row["event"]), row["readings"]) for row in rows]
        return [replace(event, occurrence=readings).retraction() for event, readings in told]

    def remember(self, tx: Transaction, step: Step, track: Track, events: Sequence[E]) -> None:
        """Keep the newest blocks that were taken, with their events, and forget the oldest."""
        if step.dropped:
            hashes = [block.hash for block in step.dropped]
            tx.execute(self._queries["drop_blocks"], watch=self._watch, hashes=hashes)
        new = {link.hash for link in step.taken}
        kept = {block.hash: block.number for block in track.blocks if block.hash in new}
        blocks = [{"hash": one, "number": kept[one], "readings": track.readings[one]} for one in kept]
        self._keep(tx, "keep_block", blocks)
        self._keep(
            tx,
            "keep_event",
            [
                {"block_hash": event.block_hash, "position": position, "event": Jsonb(event.to_json())}
                for event, position in self._placed([one for one in events if one.block_hash in kept])
            ],
        )
        tx.execute(self._queries["forget_blocks"], watch=self._watch, oldest=track.next_number - KEPT_MAX)

    def deliver(self, tx: Transaction, sequence: int, events: Sequence[E], now: datetime) -> None:
        """A task for each, numbered from `sequence` on."""
        self._tasks.enqueue(
            [
                TaskSpec(
                    kind=self._kind,
                    business_key=event.identity,
                    payload=Delivery(watch=self._watch, sequence=number, event=event).to_json(),
                    run_at=now,
                )
                for number, event in enumerate(events, sequence + 1)
            ],
            tx,
        )

    def _keep(self, tx: Transaction, query: str, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            tx.many(self._queries[query], [{"watch": self._watch, **row} for row in rows])
