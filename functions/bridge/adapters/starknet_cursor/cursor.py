"""Owns the turns of a Starknet cursor: each event of a watch becomes exactly one task, whatever dies or forks.

One step, as often as the budget allows:

1. Read the cursor's place. Nothing is locked from here to 4.
2. Read each endpoint by itself: its height; whether it still has the block at the place, else where its chain leaves
   ours; the headers of the next blocks, which must be linked; the events of that range, page by page; the last header
   again. One whose height is below the place lags and has no say. Of a watch of final blocks, those count that are
   accepted on L1.
3. Compare (`witnesses`). Where endpoints with the same chain tell different events, each is asked for the receipts of
   the blocks in question: one whose own receipts contradict it is distrusted, and its receipts speak for it.
4. Decide (`kernel.evm.log_cursor.reorganisation`) what is taken back and what is new; lock the row; if nobody moved it,
   commit retractions, new events, tasks and the new place together. Otherwise drop the work.

Dying before the commit has done nothing; after it, the tasks are found by the sweeper.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from functions.bridge.adapters.starknet_cursor.store import Place, StarknetCursorStore, StarknetWatch
from functions.bridge.adapters.starknet_cursor.witnesses import (
    Reading,
    Shared,
    agreed_events,
    disputed,
    shared_chain,
)
from functions.bridge.adapters.starknet_rpc import BLOCKS_PER_CALL, Header, Said, StarknetPool, StarknetView
from kernel.clock import Clock, SystemClock
from kernel.evm.log_cursor import Budget, ChainUnread, Pause, Progress
from kernel.evm.log_cursor.reorganisation import (
    Block,
    Link,
    Step,
    Track,
    Unlinked,
    decide,
    is_linked,
    lowest_needed,
)
from kernel.evm.log_cursor.turn import Tally, tell
from kernel.jsonrpc.endpoint import MISSHAPEN, Endpoint, EndpointUnavailable, RpcRefused
from kernel.postgres import Postgres
from kernel.tasks import Tasks

logger = logging.getLogger(__name__)

#: So many blocks are read in one step, and so many events delivered in one commit at most (a fuller block is not torn).
SPAN_BLOCKS: Final = 128
EVENTS_MAX: Final = 500


class StarknetCursor:
    """One watch's way along its network."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: StarknetPool,
        watch: StarknetWatch,
        clock: Clock | None = None,
        *,
        events_max: int = EVENTS_MAX,
    ) -> None:
        self.watch: Final = watch
        self._pool, self._events_max = pool, events_max
        self._clock: Clock = clock or SystemClock()
        self._store = StarknetCursorStore(postgres, tasks, watch)

    def advance(self, budget: Budget | None = None) -> Progress:
        """Read on until the newest block, or the newest final one, or the budget is reached.

        Raises ChainUnread, RpcUnavailable, WrongChain, WatchChanged. What was committed before an error stays; the next
        turn goes on from there.
        """
        budget = budget or Budget()
        ends_at_s = self._clock.time_s() + budget.seconds
        tally = Tally(self._store.place(self._clock.now()))
        while True:
            found = self._look(tally.place, min(SPAN_BLOCKS, budget.blocks - tally.blocks))
            if isinstance(found, Pause):
                return tally.progress(found)
            step, said = found
            moved = self._store.move(tally.place, step, said, self._clock.now())
            if moved is None:
                return tally.progress(Pause.OVERTAKEN)
            tell(self.watch.name, step, moved)
            tally.add(step, moved)
            if tally.blocks >= budget.blocks or self._clock.time_s() >= ends_at_s:
                return tally.progress(Pause.BUDGET)

    def newest_read(self) -> Block | None:
        """The newest block that was read, None before the first."""
        blocks = self._store.place(self._clock.now()).track.blocks
        return blocks[-1] if blocks else None

    def _look(self, place: Place, width: int) -> tuple[Step, Sequence[Said]] | Pause:
        """What the endpoints say together that is next."""
        readings = {node: self._asked(node, place.track, width) for node in self._pool.readers()}
        shown = {node: found for node, found in readings.items() if isinstance(found, Reading)}
        pauses = [found for found in readings.values() if isinstance(found, Pause)]
        if not shown and not pauses:
            raise ChainUnread(watch=self.watch.name, network=self.watch.network)
        needed = self._pool.unreduced() if self.watch.only_final else self._pool.needed()
        shared = shared_chain(shown, needed)
        if shared is None:
            return Pause.BEHIND if not shown and set(pauses) == {Pause.BEHIND} else Pause.UNSETTLED
        if not shared.links:
            return Pause.AT_HEAD
        said = self._heard(shared, needed)
        if said is None:
            return Pause.UNSETTLED
        links = self._of_one_commit(shared, said)
        step = decide(place.track, links)
        if isinstance(step, Unlinked):
            return Pause.UNSETTLED
        return step, [one for one in said if one.block_number <= links[-1].number]

    def _asked(self, node: Endpoint, track: Track, width: int) -> Reading | Pause | None:
        """An endpoint's reading, or why it has none now; None where it gives no answer that can be believed."""
        try:
            return self._read(StarknetView(node), track, width)
        except EndpointUnavailable as away:
            self._pool.fail(node, type(away).__name__)
            reason = str(away.details.get("reason"))
        except RpcRefused as refused:
            reason = refused.words
        except MISSHAPEN as lie:
            self._pool.distrust(node, f"its answer cannot be read or cannot be true: {lie}")
            reason = str(lie)
        fields = {"watch": self.watch.name, "endpoint": node.name, "reason": reason[:512]}
        logger.warning("An endpoint could not be read from.", extra=fields)
        return None

    def _read(self, view: StarknetView, track: Track, width: int) -> Reading | Pause:
        head, start = view.head(), self._first(view, track)
        if start is None:
            return Pause.BEHIND
        last = min(head, start + width - 1)
        headers = view.blocks(range(start, last + 1)) if start <= last else []
        if self.watch.only_final:
            headers = list(takewhile(lambda header: header.is_final, headers))
        if not headers:
            return Reading(start)
        headers, events = self._said(view, headers)
        # Another last block, or events of blocks that are not these: the chain moved, perhaps there and back.
        again = view.block(headers[-1].number)
        has_moved = again is None or again.hash != headers[-1].hash or not _fit(events, headers)
        links = tuple(header.link for header in headers)
        return Pause.UNSETTLED if has_moved or not is_linked(links) else Reading(start, links, events)

    def _said(self, view: StarknetView, headers: list[Header]) -> tuple[list[Header], tuple[Said, ...]]:
        """The events of these blocks, or of the first of them where the node refuses so many at once."""
        while True:
            try:
                return headers, view.events(self.watch.address, self.watch.key, headers[0].number, headers[-1].number)
            except RpcRefused:
                if len(headers) == 1:
                    raise
                headers = headers[: len(headers) // 2]

    def _first(self, view: StarknetView, track: Track) -> int | None:
        """The first block of this node's chain that is new; None where it has not come to our place."""
        if not track.blocks:
            return track.start_block
        tip = track.blocks[-1]
        seen = view.block(tip.number)
        if seen is None:
            return None
        return tip.number + 1 if seen.hash == tip.hash else _above_fork(view, track)

    def _heard(self, shared: Shared[Endpoint], needed: int) -> Sequence[Said] | None:
        """The events of the chain; None where the endpoints contradict each other, and nobody contradicts himself."""
        said = agreed_events(shared, needed)
        if said is None:
            said = agreed_events(replace(shared, readings=self._testified(shared)), needed)
        if said is None:
            blocks = " ".join(str(link.number) for link in disputed(shared))
            logger.error(
                "The RPC endpoints contradict each other about the events of a block; nothing is delivered.",
                extra={"alarm": "cursor.logs_disputed", "watch": self.watch.name, "blocks": blocks[:512]},
            )
            return None
        for node, reading in shared.readings.items():
            if reading.events != said:
                self._pool.distrust(node, "a quorum, or its own receipts, contradict the events that it tells")
        return said

    def _testified(self, shared: Shared[Endpoint]) -> Mapping[Endpoint, Reading]:
        """The readings, with the disputed blocks as each endpoint's own receipts have them."""
        links = disputed(shared)
        testified = {node: self._receipts(node, links) for node in shared.readings}
        unsure = {link.number for link in links}
        return {
            node: replace(
                reading,
                events=tuple(
                    sorted(
                        [*(one for one in reading.events if one.block_number not in unsure), *shown],
                        key=lambda one: one.block_number,
                    )
                ),
            )
            for node, reading in shared.readings.items()
            if (shown := testified[node]) is not None
        }

    def _receipts(self, node: Endpoint, links: Sequence[Link]) -> list[Said] | None:
        view = StarknetView(node)
        try:
            told = [view.events_of(link.hash, self.watch.address, self.watch.key) for link in links]
        except (EndpointUnavailable, RpcRefused, *MISSHAPEN):
            return None
        return [one for of_block in told for one in of_block]

    def _of_one_commit(self, shared: Shared[Endpoint], said: Sequence[Said]) -> Sequence[Link]:
        if len(said) <= self._events_max:
            return shared.links
        cut = said[self._events_max].block_number  # the first block that does not fit
        return shared.links[: max(1, cut - shared.links[0].number)]


def _above_fork(view: StarknetView, track: Track) -> int:
    """The lowest height at which this node's chain has a block that is not the track's, looked for from the newest."""
    for end in range(len(track.blocks), 0, -BLOCKS_PER_CALL):
        blocks = track.blocks[max(0, end - BLOCKS_PER_CALL) : end]
        headers = view.blocks(range(blocks[0].number, blocks[-1].number + 1))
        for block, header in zip(reversed(blocks), reversed(headers), strict=True):
            if header.hash == block.hash:
                return block.number + 1
    return lowest_needed(track)


def _fit(events: Sequence[Said], headers: Sequence[Header]) -> bool:
    hashes = {header.number: header.hash for header in headers}
    return all(hashes.get(one.block_number) == one.block_hash for one in events)
