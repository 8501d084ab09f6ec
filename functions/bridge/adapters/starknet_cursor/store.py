"""Owns a Starknet cursor in Postgres: its place, what it remembers, and the one transaction that moves both with tasks.

As `kernel.evm.log_cursor.store`: nothing is locked while the network is waited for, and work that is based on a place
which another turn has left meanwhile is dropped.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from functions.bridge.adapters.starknet_rpc import Said
from kernel.chain_events import StarknetEvent
from kernel.evm.log_cursor import WatchChanged
from kernel.evm.log_cursor.memory import Memory
from kernel.evm.log_cursor.reorganisation import Block, Step, Track, taken
from kernel.evm.log_cursor.turn import TOO_DEEP, Moved
from kernel.postgres import Postgres, Queries, Transaction
from kernel.tasks import Tasks

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
        self._postgres, self._watch = postgres, watch
        self._memory = Memory(Q, tasks, watch=watch.name, kind=watch.kind, event=StarknetEvent, placed=_in_their_blocks)

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
            retractions = self._memory.retractions(tx, step)
            track = taken(place.track, step)
            events = [self._event(one, track.readings[one.block_hash]) for one in said]
            self._memory.remember(tx, step, track, events)
            self._memory.deliver(tx, place.sequence, [*retractions, *events], now)
            alarm = TOO_DEEP if step.is_too_deep else None
            moved = Place(
                track=track,
                version=place.version + 1,
                sequence=place.sequence + len(retractions) + len(events),
                alarm=alarm or place.alarm,
            )
            self._write(tx, moved, alarm, now)
        return Moved(place=moved, events=len(events), retractions=len(retractions))

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


def _in_their_blocks(events: Sequence[StarknetEvent]) -> Iterator[tuple[StarknetEvent, int]]:
    """With the position in the block; the chain itself numbers events only within a transaction."""
    for _, of_block in groupby(events, key=lambda event: event.block_hash):
        yield from ((event, position) for position, event in enumerate(of_block))
