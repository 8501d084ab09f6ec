"""Owns the turns of a program cursor: every final transaction of an address is delivered once, in order.

A cluster tells an address's transactions only from the newest back, so a turn has two halves, each in small commits:

1. Walk back from the newest final transaction to the one delivered last, page by page (`walk`). What is found waits in
   the database, so that a walk of many pages goes on in the next turn, or after a death. A second endpoint is asked
   for the same page: what it adds is taken if a quorum says that it is final, and the endpoint that lacked it is
   distrusted.
2. When the walk has arrived, deliver from the oldest: a quorum must say that a transaction is final, and what it said
   is read from its log (`program_logs`), as told by two endpoints (`hearing`). The events, the tasks and the new place
   commit together, unless another turn moved the cursor meanwhile.

Nothing but final transactions is delivered, so nothing is ever taken back. A node that lags tells an older newest
transaction: then the walk is short, and the place stays.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from kernel.chain_events import SolanaEvent
from kernel.clock import Clock, SystemClock
from kernel.errors import Transient
from kernel.jsonrpc.endpoint import Endpoint, EndpointUnavailable, RpcRefused
from kernel.postgres import Postgres
from kernel.solana.history import SignatureSeen
from kernel.solana.pool import STATUSES_MAX, SolanaPool
from kernel.solana.program_cursor.hearing import Contradiction, Heard, hear, reading_of
from kernel.solana.program_cursor.store import Place, ProgramCursorStore
from kernel.solana.program_cursor.view import ClusterView, Incoherent, Lines
from kernel.solana.program_cursor.walk import Disorder, Finding, Page, lacking, merged, turn_page
from kernel.solana.program_cursor.watch import Budget, Pause, ProgramWatch, Progress, Wanted
from kernel.tasks import Tasks

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: So many transactions are delivered in one commit at most.
TRANSACTIONS_MAX: Final = 50


class ClusterUnread(Transient):
    """No endpoint tells an address's transactions so that they can be believed."""

    cause = "Every endpoint is away, refuses, or does not know the transaction that the walk goes on from."
    remedy = "The cursor stays where it is and tries again; read the log for each endpoint's reason if this lasts."


@dataclass(slots=True)
class Tally:
    """What a turn has done so far."""

    pages: int = 0
    transactions: int = 0
    events: int = 0

    def progress(self, pause: Pause, place: Place) -> Progress:
        """The turn's result."""
        return Progress(
            pause=pause,
            pages=self.pages,
            transactions=self.transactions,
            events=self.events,
            waiting=place.waiting,
            alarm=place.alarm,
        )


class ProgramCursor:
    """One watch's way along an address's transactions."""

    def __init__(
        self, postgres: Postgres, tasks: Tasks, pool: SolanaPool, watch: ProgramWatch, clock: Clock | None = None
    ) -> None:
        self.watch: Final = watch
        self._pool = pool
        self._clock: Clock = clock or SystemClock()
        self._store = ProgramCursorStore(postgres, tasks, watch)

    def advance(self, budget: Budget | None = None) -> Progress:
        """Walk and deliver until nothing is left or the budget is reached.

        Raises ClusterUnread, NoQuorum, RpcUnavailable, WrongChain, ProgramWatchChanged. What was committed before an
        error stays; the next turn goes on from there.
        """
        budget = budget or Budget()
        ends_at_s, tally = self._clock.time_s() + budget.seconds, Tally()
        while True:
            room = min(TRANSACTIONS_MAX, budget.transactions - tally.transactions)
            place = self._store.place(room, self._clock.now())
            is_spent = tally.pages + tally.transactions > 0 and self._clock.time_s() >= ends_at_s
            if is_spent or room <= 0 or tally.pages >= budget.pages:
                return tally.progress(Pause.BUDGET, place)
            paused = self._deliver(place, tally) if place.walk_is_done else self._walk(place, tally)
            if paused is not None:
                return tally.progress(paused, self._store.place(1, self._clock.now()))

    def acknowledge(self) -> bool:
        """Take the alarm off the watch, because a person has seen to it; whether there was one."""
        return self._store.acknowledge()

    def _walk(self, place: Place, tally: Tally) -> Pause | None:
        """One page back."""
        page = self._page(place)
        is_idle = page.is_last and not page.findings and not place.waiting
        if is_idle and place.walk_before is None:
            return Pause.AT_HEAD
        if not self._store.keep(place, page, self._clock.now()):
            return Pause.OVERTAKEN
        tally.pages += 1
        return Pause.AT_HEAD if is_idle else None

    def _page(self, place: Place) -> Page:
        for node in self._pool.readers():
            page = self._asked(node, lambda view: self._page_of(view, place))
            if page is not None:
                return page
        raise ClusterUnread(watch=self.watch.name, cluster=self.watch.cluster)

    def _page_of(self, view: ClusterView, place: Place) -> Page | None:
        found = view.lines(self.watch.address, before=place.walk_before, until=place.mark.signature)
        if found is None:
            return None
        try:
            lines = self._completed(view.node, found, place)
            return turn_page(lines, place.mark, ceiling_slot=found.ceiling_slot, after_ordinal=place.ordinal)
        except Disorder as odd:
            raise Incoherent(str(odd)) from odd

    def _completed(self, node: Endpoint, found: Lines, place: Place) -> list[SignatureSeen]:
        """The page with what other endpoints add to it and a quorum calls final."""
        lines = list(found.lines)
        before, until = place.walk_before, lines[-1].signature if lines else place.mark.signature
        for other in self._pool.readers():
            if other is node:
                continue
            told = self._asked(other, lambda view: view.lines(self.watch.address, before=before, until=until))
            lacked = lacking(lines, () if told is None else told.lines, place.mark, ceiling_slot=found.ceiling_slot)
            if real := self._final(lacked[:STATUSES_MAX]):
                self._pool.distrust(node, "it leaves out final transactions of an address")
                lines = merged(lines, real)
        return lines

    def _final(self, lines: list[SignatureSeen]) -> list[SignatureSeen]:
        """Those of the lines that a quorum calls final."""
        statuses = self._pool.agreed_statuses([line.signature for line in lines]) if lines else []
        return [line for line, status in zip(lines, statuses, strict=True) if status is not None and status.is_final]

    def _deliver(self, place: Place, tally: Tally) -> Pause | None:
        """The oldest findings, as far as they are final and heard."""
        statuses = self._pool.agreed_statuses([one.signature for one in place.oldest])
        passed: list[Finding] = []
        events: list[SolanaEvent] = []
        alarm: str | None = None
        for finding, status in zip(place.oldest, statuses, strict=True):
            if status is None or not status.is_final:
                break
            heard = self._heard(finding, succeeded=status.error is None)
            if heard is None:
                break
            passed.append(finding)
            events += self._events(finding, heard, succeeded=status.error is None)
            alarm = heard.missing or alarm
        if not passed:
            return Pause.UNSETTLED
        if not self._store.deliver(place, passed, events, alarm, self._clock.now()):
            return Pause.OVERTAKEN
        tally.transactions += len(passed)
        tally.events += len(events)
        return None

    def _heard(self, finding: Finding, *, succeeded: bool) -> Heard | None:
        """What a transaction said; None while nobody tells it, or two contradict each other."""
        if self.watch.wanted == Wanted.TRANSACTIONS or not (succeeded or self.watch.with_failed):
            return Heard(said=())
        told = []
        for node in self._pool.readers():
            transaction = self._asked(node, lambda view: view.transaction(finding.signature))
            if transaction is not None:
                told.append(transaction)
            if sum((reading := reading_of(one)) is not None and not reading.is_truncated for one in told) > 1:
                break
        fields = {"watch": self.watch.name, "signature": finding.signature}
        try:
            heard = hear(told) if told else None
        except Contradiction:
            logger.error(
                "The RPC endpoints tell different logs of a transaction; nothing is delivered.",
                extra={"alarm": "cursor.logs_disputed"} | fields,
            )
            return None
        if heard is not None and heard.missing is not None:
            logger.error(
                "A transaction's log is not whole at any endpoint; its consumers are told to look at all of it.",
                extra={"alarm": f"cursor.{heard.missing}"} | fields,
            )
        return heard

    def _events(self, finding: Finding, heard: Heard, *, succeeded: bool) -> list[SolanaEvent]:
        """The finding's events; one without a path is the transaction as a whole."""
        if not (succeeded or self.watch.with_failed):
            return []
        said = [
            (one.path, one.ordinal, one.program, one.data) for one in heard.said if one.program == self.watch.address
        ]
        if self.watch.wanted == Wanted.TRANSACTIONS or heard.missing is not None:
            said.append(("", 0, "", b""))
        return [
            SolanaEvent(
                cluster=self.watch.cluster,
                slot=finding.slot,
                signature=finding.signature,
                instruction_path=path,
                ordinal=ordinal,
                program=program,
                data=data,
                succeeded=succeeded,
            )
            for path, ordinal, program, data in said
        ]

    def _asked(self, node: Endpoint, ask: Callable[[ClusterView], T]) -> T | None:
        """An endpoint's answer, or None when it has none that can be believed; the pool is told why."""
        try:
            return ask(ClusterView(node))
        except EndpointUnavailable as away:
            self._pool.fail(node, type(away).__name__)
            reason = str(away.details.get("reason"))
        except RpcRefused as refused:
            reason = refused.words
        except Incoherent as lie:
            self._pool.distrust(node, str(lie))
            reason = str(lie)
        fields = {"watch": self.watch.name, "endpoint": node.name, "reason": reason[:512]}
        logger.warning("An endpoint could not be read from.", extra=fields)
        return None
