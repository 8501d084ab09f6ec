"""Looks at exchanges, and sees to what is owed then: all of it in one commit, which ends the look's task, too.

1. What was seen is stored, unless a later block is known; the watch takes every step that it shows.
2. In Trade a proof is owed. It is asked for, and asked for anew where nobody works on it: a lost task loses no proof.
   What is owed no more is void, or has timed out.
3. Trades that are proven are posted; a phase whose time is over is ended. One transaction at a time is on its way to
   an exchange, and there are few of a kind. Only where an operator has asked for the watch, and the code is ours: code
   says nothing of the storage that somebody's deployment began with, so anybody can have a market of any size in Trade.
4. The next look is planned: by the newest planned one, or sooner.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.barter.adapters.calls import Calls, Purpose, call
from functions.barter.adapters.contracts import Contracts
from functions.barter.adapters.exchanges import Exchanges, NotAnExchange, Seen
from functions.barter.adapters.jobs import Jobs
from functions.barter.adapters.steps import LookStep
from functions.barter.adapters.stored import StoredJob, StoredWatch
from functions.barter.adapters.watches import Watches
from functions.barter.core import job as job_core
from functions.barter.core.care import Care, care_of
from functions.barter.core.exchange import ADVANCE_PHASE
from functions.barter.core.watch import (
    ENDED,
    PROOF_BLOCKS,
    STILL_MAX,
    STRANGERS_LIFE_MAX,
    Event,
    Phase,
    Sight,
    State,
    may_be_ended,
    next_event,
)
from kernel.chain_events import EvmEvent, ToldEvent
from kernel.clock import Clock
from kernel.evm.blocks import HEIGHT_MAX
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks
from kernel.treasury import ServiceHalted
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

logger = logging.getLogger(__name__)

#: While something is owed, or to be seen: the schedule of timeouts is no quicker.
SOON: Final = timedelta(seconds=60)
#: While an exchange takes deposits or lists, and its time is not over.
SELDOM: Final = timedelta(minutes=5)
#: A phase is over by the clock, and the chain's newest block is a little older.
LAG: Final = timedelta(seconds=5)
#: A look that is due for longer was lost.
MISSED: Final = timedelta(seconds=90)
LIMIT: Final = 200
#: Transactions for one end, those that failed or that no node takes included; not those that we took back unsigned.
CALLS_MAX: Final = 3
#: Of advancePhase, which stores three words and tells of it.
ADVANCE_GAS: Final = 150_000
#: A told block that the endpoints do not come to is waited for that often.
WAITS_MAX: Final = 60
LATE: Final = "timed out: no proof within 250 blocks"
_REFUSALS: Final = (Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why nothing was seen."""

    reason: str


class Following:
    """The exchanges that are followed."""

    def __init__(
        self,
        tasks: Tasks,
        watches: Watches,
        contracts: Contracts,
        jobs: Jobs,
        calls: Calls,
        exchanges: Exchanges,
        clock: Clock,
        *,
        posts_trades: bool,
        advances_phases: bool,
    ) -> None:
        self._tasks, self._watches, self._contracts = tasks, watches, contracts
        self._jobs, self._calls, self._exchanges, self._clock = jobs, calls, exchanges, clock
        self._posts_trades, self._advances_phases = posts_trades, advances_phases

    def look(self, address: str) -> Seen | Unseen:
        """The exchange as a quorum has it. Raises what is transient."""
        try:
            return self._exchanges.look(address)
        except NotAnExchange as other:
            return Unseen(other.code)

    def see(self, step: LookStep) -> Seen | Unseen | Skipped:
        """The same for a planned look; nothing is asked where another one has been planned since.

        So an exchange that nobody can read alike has one task that is tried again, and not one more every minute.
        """
        with self._tasks.postgres.transaction() as tx:
            watch = self._watches.require(tx, step.address)
        if watch.state in ENDED:
            return Skipped("its watch is over")
        return self.look(step.address) if step.number >= watch.looks else Skipped("another look is planned")

    def take(self, step: LookStep, seen: Seen | Unseen | Skipped, *, fence: Fence) -> Outcome:
        """See to what is owed as of this look. What the treasury refuses is left to a later one."""
        if isinstance(seen, Skipped):
            return seen
        try:
            return self._take(step, seen, fence, calls=True)
        except _REFUSALS as refused:
            code = refused.code
        logger.warning("A transaction to an exchange is not recorded.", extra={"address": step.address, "code": code})
        return self._take(step, seen, fence, calls=False)

    def hear(self, told: ToldEvent, *, fence: Fence) -> Outcome:
        """Look at the exchange that an event is of, once the chain has come to its block.

        A stranger's exchange may tell of as many phases as it likes, so it is looked at when its next look is due.
        """
        event = told.delivery.event
        if not isinstance(event, EvmEvent):
            return Skipped("no event of an exchange")
        with self._tasks.postgres.transaction() as tx:
            watch = self._watches.of(tx, event.address)
        if watch is None or watch.state in ENDED:
            return Skipped("nobody watches it" if watch is None else "its watch is over")
        if not watch.is_ours:
            return Skipped("no operator has asked for it")
        seen = self.look(event.address)
        if isinstance(seen, Seen) and seen.sight.block < event.block_number and fence.token <= WAITS_MAX:
            return Retry(2.0, "the chain has not come so far")
        return self.take(LookStep(event.address, 0), seen, fence=fence)

    def plan_missed(self) -> int:
        """Ask anew for looks that nobody has taken; how many."""
        with self._tasks.postgres.transaction() as tx:
            return self._watches.plan_missed(tx, self._clock.now() - MISSED, LIMIT)

    def end_strangers(self) -> int:
        """End strangers' watches that have stood still, or were followed, for too long; how many."""
        now = self._clock.now()
        with self._tasks.postgres.transaction() as tx:
            ending = self._watches.lapsing(tx, now - STILL_MAX, now - STRANGERS_LIFE_MAX, LIMIT)
            for watch in ending:
                since = {"since": watch.moved_at.isoformat(), "watched_at": watch.watched_at.isoformat()}
                lapsed = self._watches.move(tx, watch, Event.LAPSE, since)
                job = self._jobs.of(tx, lapsed.address)
                if job is not None and job.state in job_core.OWED:
                    self._jobs.move(tx, job, job_core.Event.WITHDRAW, told={"watch": str(lapsed.state)})
        return len(ending)

    def plan_late(self) -> int:
        """Ask now for looks at exchanges whose proof has had all its blocks; how many. Raises what is transient."""
        with self._tasks.postgres.transaction() as tx:
            if not self._watches.late(tx, HEIGHT_MAX, 1):
                return 0  # Nobody waits, so no endpoint need be asked.
        trade_before = self._exchanges.newest_block() - PROOF_BLOCKS
        with self._tasks.postgres.transaction() as tx:
            late = self._watches.late(tx, trade_before, LIMIT)
            for watch in late:
                self._watches.plan_look(tx, watch, self._clock.now())
        return len(late)

    def needing_people(self) -> int:
        """How many exchanges in Trade have a proof that nobody tries any more."""
        with self._tasks.postgres.transaction() as tx:
            return self._watches.hopeless(tx)

    def _take(self, step: LookStep, seen: Seen | Unseen, fence: Fence, *, calls: bool) -> Outcome:
        with self._tasks.postgres.transaction(holding=fence) as tx:
            watch = self._watches.hold(tx, step.address)
            if watch.state in ENDED:
                return Skipped("its watch is over")
            if isinstance(seen, Unseen):
                self._watches.unseen(tx, watch, seen.reason)
                self._plan(tx, watch, step, self._clock.now() + SOON)
                told = {"state": str(watch.state), "unseen": seen.reason}
            else:
                watch = self._follow(tx, watch, seen, calls=calls)
                if watch.state != State.OVER:
                    self._plan(tx, watch, step, self._next_look(watch, seen.sight))
                told = {"state": str(watch.state), "phase": seen.sight.phase.name.lower()}
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _follow(self, tx: Transaction, watch: StoredWatch, seen: Seen, *, calls: bool) -> StoredWatch:
        facts, sight = self._contracts.facts(tx, watch), seen.sight
        if not self._contracts.keep(tx, watch, seen):
            return watch
        self._watches.unseen(tx, watch, None)
        if facts is not None and facts.phase != sight.phase:
            self._watches.stir(tx, watch)
        known = None if facts is None else facts.trade
        while (event := next_event(watch.state, known, sight)) is not None:
            told = {"phase": sight.phase.name.lower(), "block": sight.block, "agents": sight.agents}
            watch = self._watches.move(tx, watch, event, told)
            if watch.state == State.READY and sight.trade is not None:
                self._jobs.owe(tx, watch, sight.trade)
            known = sight.trade
        job = self._see_to_proof(tx, watch, sight)
        if calls and watch.is_ours and seen.is_ours and self._calls.open(tx, watch) is None:
            self._see_to_phase(tx, watch, sight, job)
        return watch

    def _see_to_proof(self, tx: Transaction, watch: StoredWatch, sight: Sight) -> StoredJob | None:
        """The job that is wanted now; somebody works on it, if somebody is to."""
        job = self._jobs.of(tx, watch.address)
        if job is None:
            return None
        is_hopeless = job.state == job_core.State.ERRORED and job.next_attempt_at is None
        match care_of(watch.state, sight.phase, job.state, is_hopeless=is_hopeless):
            case Care.WITHDRAW:
                self._jobs.move(tx, job, job_core.Event.WITHDRAW, told={"watch": str(watch.state)})
                return None
            case Care.EXPIRE:
                return self._jobs.move(tx, job, job_core.Event.EXPIRE, error=LATE)
            case Care.WAKE if not self._jobs.is_worked_on(tx, job):
                return self._jobs.wake(tx, job, self._clock.now())
        return job

    def _see_to_phase(self, tx: Transaction, watch: StoredWatch, sight: Sight, proof: StoredJob | None) -> None:
        """Post what is proven, or end a phase whose time is over."""
        if self._posts_trades and proof is not None and _is_to_be_posted(proof, sight):
            made = self._calls.made(tx, watch, Purpose.TRADES, sight.phase, proof.id)
            if made.tried < CALLS_MAX and self._jobs.is_worked_on(tx, proof):
                return
            # The first posting was asked for with the proof: what came to no transaction in all the blocks never will.
            if made.tried < CALLS_MAX and (made.made > 0 or not sight.is_late):
                self._jobs.wake_posting(tx, proof)
                return
        if not self._advances_phases or not may_be_ended(sight):
            return
        purpose = Purpose.TIME_OUT if sight.phase == Phase.TRADE else Purpose.ADVANCE
        if self._calls.made(tx, watch, purpose, sight.phase, None).tried < CALLS_MAX:
            self._calls.record(tx, watch, purpose, sight.phase, None, call(ADVANCE_PHASE, ADVANCE_GAS))

    def _next_look(self, watch: StoredWatch, sight: Sight) -> datetime:
        now = self._clock.now()
        if watch.state != State.WATCHING or sight.phase_ends_s is None:
            return now + SOON
        left = timedelta(seconds=sight.phase_ends_s) - timedelta(seconds=now.timestamp())
        return now + (SOON if may_be_ended(sight) else min(max(left, LAG), SELDOM))

    def _plan(self, tx: Transaction, watch: StoredWatch, step: LookStep, at: datetime) -> None:
        """Only the newest planned look plans another, or whoever wants one sooner."""
        if step.number == watch.looks or at < watch.next_look_at:
            self._watches.plan_look(tx, watch, at)


def _is_to_be_posted(proof: StoredJob, sight: Sight) -> bool:
    is_of_this_trade = sight.phase == Phase.TRADE and proof.trade == sight.trade
    return proof.state == job_core.State.COMPLETED and is_of_this_trade
