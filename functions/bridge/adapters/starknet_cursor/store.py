"""Owns a Starknet cursor in Postgres: its place, what it remembers, and the one transaction that moves both with tasks.

As `kernel.evm.log_cursor.store`: nothing is locked while the network is waited for, and work that is based on a place
which another turn has left meanwhile is dropped.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.bridge.adapters.starknet_rpc import Said
from kernel.chain_events import Delivery, StarknetEvent
from kernel.evm.log_cursor import WatchChanged
from kernel.evm.log_cursor.reorganisation import KEPT_MAX, Block, Step, Track, taken
from kernel.evm.log_cursor.turn import TOO_DEEP, Moved
from kernel.postgres import Postgres, Queries, Transaction
from kernel.tasks import Tasks, TaskSpec

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))

_NAME: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StarknetWatch:
    """A contract's events under one key, and the task that each of them becomes.

    name: whose place in the chain is kept; network and kind never change under a name. start_block: the first one that
    is read. only_final: only blocks that are accepted on L1, and nobody's absence reduces the quorum that tells them.
    """

    name: str
    network: str
    address: int
    key: int
    kind: str
    start_block: int
    only_final: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never be read: ValueError."""
        if not _NAME.fullmatch(self.name) or self.start_block < 0:
            raise ValueError("a watch's name has 1 to 80 small letters, digits and _.:-, and blocks count from 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a cursor stands, as one read found it."""

    track: Track
    version: int
    sequence: int
    alarm: str | None


class StarknetCursorStore:
    """The rows of one watch."""

    def __init__(self, postgres: Postgres, tasks: Tasks, watch: StarknetWatch) -> None:
        self._postgres, self._tasks, self._watch = postgres, tasks, watch

    def place(self, now: datetime) -> Place:
        """Where the cursor stands; the first call opens it. Raises WatchChanged."""
        watch = self._watch
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["cursor"], watch=watch.name)
            if row is None:
                names = {"watch": watch.name, "network": watch.network, "kind": watch.kind}
                tx.execute(Q["open_cursor"], **names, start_block=watch.start_block, now=now)
                row = tx.one(Q["cursor"], watch=watch.name)
            blocks = tx.all(Q["blocks"], watch=watch.name)
        if (row["network"], row["kind"]) != (watch.network, watch.kind):
            raise WatchChanged(watch=watch.name, network=row["network"], kind=row["kind"])
        return _place(row, blocks)

    def move(self, place: Place, step: Step, said: Sequence[Said], now: datetime) -> Moved[Place] | None:
        """Commit one step with the tasks of its events, in this order: retractions, then what is new.

        None when another turn moved the cursor since `place` was read.
        """
        with self._postgres.transaction() as tx:
            row = tx.one(Q["lock_cursor"], watch=self._watch.name)
            if row["version"] != place.version:
                return None
            retractions = list(self._retractions(tx, step))
            track = taken(place.track, step)
            events = [self._event(one, track.readings[one.block_hash]) for one in said]
            self._remember(tx, step, track, events)
            self._deliver(tx, place.sequence, [*retractions, *events], now)
            alarm = TOO_DEEP if step.is_too_deep else None
            moved = Place(
                track=track,
                version=place.version + 1,
                sequence=place.sequence + len(retractions) + len(events),
                alarm=alarm or place.alarm,
            )
            self._write(tx, moved, alarm, now)
        return Moved(place=moved, events=len(events), retractions=len(retractions))

    def _retractions(self, tx: Transaction, step: Step) -> Iterator[StarknetEvent]:
        hashes = [block.hash for block in step.dropped]
        for row in tx.all(Q["events_of"], watch=self._watch.name, hashes=hashes) if hashes else []:
            event = StarknetEvent.from_json(row["event"])
            yield replace(event, occurrence=row["readings"]).retraction()

    def _remember(self, tx: Transaction, step: Step, track: Track, events: Sequence[StarknetEvent]) -> None:
        watch = self._watch.name
        if step.dropped:
            tx.execute(Q["drop_blocks"], watch=watch, hashes=[block.hash for block in step.dropped])
        new = {link.hash for link in step.taken}
        kept = {block.hash: block.number for block in track.blocks if block.hash in new}
        rows = [{"watch": watch, "hash": one, "number": kept[one], "readings": track.readings[one]} for one in kept]
        tx.many(Q["keep_block"], rows)
        if remembered := list(self._rows(event for event in events if event.block_hash in kept)):
            tx.many(Q["keep_event"], remembered)
        tx.execute(Q["forget_blocks"], watch=watch, oldest=track.next_number - KEPT_MAX)

    def _rows(self, events: Iterator[StarknetEvent]) -> Iterator[dict[str, Any]]:
        for block_hash, of_block in groupby(events, key=lambda event: event.block_hash):
            for position, event in enumerate(of_block):
                row = {"block_hash": block_hash, "position": position, "event": Jsonb(event.to_json())}
                yield {"watch": self._watch.name, **row}

    def _deliver(self, tx: Transaction, sequence: int, events: Sequence[StarknetEvent], now: datetime) -> None:
        self._tasks.enqueue(
            [
                TaskSpec(
                    kind=self._watch.kind,
                    business_key=event.identity,
                    payload=Delivery(watch=self._watch.name, sequence=number, event=event).to_json(),
                    run_at=now,
                )
                for number, event in enumerate(events, sequence + 1)
            ],
            tx,
        )

    def _write(self, tx: Transaction, moved: Place, alarm: str | None, now: datetime) -> None:
        tx.execute(
            Q["move_cursor"],
            watch=self._watch.name,
            next_block=moved.track.next_number,
            sequence=moved.sequence,
            version=moved.version - 1,
            alarm=alarm,
            now=now,
        )

    def _event(self, said: Said, occurrence: int) -> StarknetEvent:
        return StarknetEvent(
            network=self._watch.network,
            block_number=said.block_number,
            block_hash=said.block_hash,
            transaction_hash=said.transaction_hash,
            ordinal=said.ordinal,
            address=self._watch.address,
            keys=said.keys,
            data=said.data,
            occurrence=occurrence,
        )


def _place(row: dict[str, Any], blocks: Sequence[dict[str, Any]]) -> Place:
    return Place(
        track=Track(
            start_block=row["start_block"],
            blocks=tuple(Block(one["number"], one["hash"]) for one in blocks if one["is_canonical"]),
            readings={one["hash"]: one["readings"] for one in blocks},
        ),
        version=row["version"],
        sequence=row["sequence"],
        alarm=row["alarm"],
    )
