"""Owns the turns of a log cursor: every event of a watch becomes exactly one task, whatever dies or forks meanwhile.

One step, as often as the budget allows:

1. Read the cursor's place. Nothing is locked from here to 6.
2. Ask one node for its head. One that is lower than the place lags, and the next is asked. If the block at the place
   has another hash, the chain was reorganised: find the fork among the remembered blocks. Going back needs a majority:
   an endpoint that still has our block and one that does not are a tie, and the next turn looks again.
3. Read from the same node the headers of the next blocks, then the logs, then the last header again: the hash must be
   the same, and each block must continue the one before. A node that answers for blocks it does not have shows here.
   A range that is refused is halved, or becomes what the refusal names, and that is remembered.
4. Compare logs and headers (`proof`), and, where a bloom claims what is watched for, the answers of two endpoints
   (`witnesses`). Whoever left logs out is distrusted, and the step is read from the next.
5. Decide (`reorganisation`): what is taken back, what is new.
6. Lock the row; if nobody moved it, commit retractions, new events, tasks and the new place together. Otherwise drop
   the work.

Dying before the commit has done nothing; after it, the tasks are found by the sweeper.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock, SystemClock
from kernel.errors import Transient
from kernel.evm.blocks import Log
from kernel.evm.log_cursor.headers import Header
from kernel.evm.log_cursor.reorganisation import Block, Step, Track, Unlinked, decide
from kernel.evm.log_cursor.spans import Span, after_refusal, after_success, crowded
from kernel.evm.log_cursor.store import CursorStore, Place
from kernel.evm.log_cursor.turn import Tally, tell
from kernel.evm.log_cursor.view import ChainView, TooWide
from kernel.evm.log_cursor.watch import Budget, Pause, Progress, Watch
from kernel.evm.log_cursor.witnesses import Disputed, Witnesses
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Endpoint
from kernel.postgres import Postgres
from kernel.tasks import Tasks

logger = logging.getLogger(__name__)

#: So many events are delivered in one commit at most (a fuller block is never torn).
EVENTS_MAX: Final = 500


class ChainUnread(Transient):
    """No endpoint gives blocks and logs that can be believed."""

    cause = "Every endpoint is away, refuses to tell its logs, or contradicts the headers of its own blocks."
    remedy = "The cursor stays where it is and tries again; read the log for each endpoint's reason if this lasts."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one step read: the decision, the logs of the blocks taken, and what the read taught about spans."""

    step: Step
    logs: tuple[Log, ...]
    span: Span


class LogCursor:
    """One watch's way along its chain."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: RpcPool,
        watch: Watch,
        clock: Clock | None = None,
        *,
        events_max: int = EVENTS_MAX,
    ) -> None:
        self.watch: Final = watch
        self._pool = pool
        self._clock: Clock = clock or SystemClock()
        self._store = CursorStore(postgres, tasks, watch)
        self._witnesses = Witnesses(pool, watch)
        self._events_max = events_max

    def advance(self, budget: Budget | None = None) -> Progress:
        """Read on until the head or the budget is reached.

        Raises ChainUnread, RpcUnavailable, WrongChain, WatchChanged. What was committed before an error stays; the next
        turn goes on from there.
        """
        budget = budget or Budget()
        ends_at_s = self._clock.time_s() + budget.seconds
        tally = Tally(self._store.place(self._clock.now()))
        while True:
            found = self._look(tally.place, min(tally.place.span.blocks, budget.blocks - tally.blocks))
            if isinstance(found, Pause):
                return tally.progress(found)
            if isinstance(found, Sheet):
                moved = self._store.move(tally.place, found.step, found.logs, found.span, self._clock.now())
                if moved is None:
                    return tally.progress(Pause.OVERTAKEN)
                tell(self.watch.name, found.step, moved)
                tally.add(found.step, moved)
            else:
                self._store.note(after_refusal(tally.place.span, found.asked, found.words))
                tally.place = self._store.place(self._clock.now())
            if tally.blocks >= budget.blocks or self._clock.time_s() >= ends_at_s:
                return tally.progress(Pause.BUDGET)

    def acknowledge(self) -> bool:
        """Take the alarm off the watch, because a person has seen to it; whether there was one."""
        return self._store.acknowledge()

    def _look(self, place: Place, width: int) -> Sheet | TooWide | Pause:
        """What the first endpoint that can tell says is next; a refused range only when no endpoint takes it."""
        pauses: set[Pause] = set()
        refused: TooWide | None = None
        for node in self._pool.readers():
            found = self._witnesses.asked(node, lambda view: self._read(view, place, width))
            if isinstance(found, Sheet):
                return found
            if isinstance(found, TooWide):
                refused = refused or found
            elif found is not None:
                pauses.add(found)
        if refused is not None:
            return refused
        for pause in (Pause.UNSETTLED, Pause.AT_HEAD, Pause.BEHIND):
            if pause in pauses:
                return pause
        raise ChainUnread(watch=self.watch.name, chain_id=self.watch.chain_id)

    def _read(self, view: ChainView, place: Place, width: int) -> Sheet | TooWide | Pause:
        first = self._first(view, place.track)
        if isinstance(first, Pause):
            return first
        start, target = first
        last = min(target, start + width - 1)
        found = view.headers(range(start, last + 1))
        headers = [header for header in found if header is not None]
        if len(headers) < len(found):
            return Pause.UNSETTLED
        logs = view.logs(start, last)
        if isinstance(logs, TooWide):
            return logs
        # Another last block, or logs of blocks that are not these: the chain moved, perhaps there and back.
        has_moved = view.header(last) != headers[-1] or {log.block_hash for log in logs} - {one.hash for one in headers}
        if has_moved or not self._is_confirmed(view, headers, logs):
            return Pause.UNSETTLED
        return self._sheet(place, headers, logs)

    def _first(self, view: ChainView, track: Track) -> tuple[int, int] | Pause:
        """The first block to read and the last one that is there to be read."""
        target = view.target()
        if not track.blocks:
            return (track.start_block, target) if target >= track.start_block else Pause.AT_HEAD
        tip = track.blocks[-1]
        if target < tip.number:
            return Pause.BEHIND
        seen = view.header(tip.number)
        if seen is None:
            return Pause.BEHIND
        if seen.hash == tip.hash:
            return (tip.number + 1, target) if target > tip.number else Pause.AT_HEAD
        if not self._is_outvoted(view.node, tip):
            return Pause.UNSETTLED
        return view.first_new(track), target

    def _is_outvoted(self, accuser: Endpoint, tip: Block) -> bool:
        """Whether most endpoints that have come to this height have another block there than ours; one is asking."""
        against, in_favour = 1, 0
        for node in self._witnesses.others(accuser):
            seen = self._witnesses.asked(node, lambda view: view.header(tip.number))
            if seen is not None:
                against, in_favour = against + (seen.hash != tip.hash), in_favour + (seen.hash == tip.hash)
        return against > in_favour

    def _is_confirmed(self, view: ChainView, headers: Sequence[Header], logs: Sequence[Log]) -> bool:
        """False for a block about which the endpoints contradict each other. Raises Incoherent."""
        try:
            self._witnesses.confirm(view, headers, logs)
        except Disputed as dispute:
            logger.error(
                "The RPC endpoints contradict each other about the logs of a block; nothing is delivered.",
                extra={"alarm": "cursor.logs_disputed", "watch": self.watch.name, "block": str(dispute)},
            )
            return False
        return True

    def _sheet(self, place: Place, headers: Sequence[Header], logs: Sequence[Log]) -> Sheet | Pause:
        count = self._blocks_of_one_commit(headers, logs)
        step = decide(place.track, [header.link for header in headers[:count]])
        if isinstance(step, Unlinked):
            return Pause.UNSETTLED
        is_torn = count < len(headers)
        span = crowded(place.span, count) if is_torn else after_success(place.span, len(headers))
        last = headers[count - 1].number
        return Sheet(step=step, logs=tuple(log for log in logs if log.block_number <= last), span=span)

    def _blocks_of_one_commit(self, headers: Sequence[Header], logs: Sequence[Log]) -> int:
        if len(logs) <= self._events_max:
            return len(headers)
        cut = logs[self._events_max].block_number  # the first block that does not fit
        return max(1, cut - headers[0].number)
