"""Owns offloading: asked for in the caller's transaction, driven by a task, believed once checked.

1. `Jobs.submit`, in the caller's transaction: the job and its poll task commit together or not at all.
2. `Offload.advance`, in the poll task, as often as it takes:
   a. choose where (`routing`), and commit an attempt before its call is made;
   b. make the call outside any transaction, and commit its id;
   c. ask for the result, after a pause that grows, or sooner when a signed word says that it is there;
   d. read what was put out, compare its hash, let the caller's check judge it; then the result, the follow-up task and
      the poll task's end commit together.

Dying between any two of these loses nothing: an attempt without a call id is lost and another one is begun; what its
call computes lies where nobody looks. A word about a result is a hint: it moves the poll task's time, and says nothing
that is believed.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import CounterpartError, Transient
from kernel.offload.decision import Begin, GiveUp, Look, Lost, decide, give_up_at, losers, used_up, waiting
from kernel.offload.jobs import Answer, Call, Computed, OffloadJob, Refusal, output_key, unstorable
from kernel.offload.lifecycle import State
from kernel.offload.objects import ObjectAbsent, Objects, read
from kernel.offload.providers import Accepted, Ending, Gone, NotMade, Pending, Provider
from kernel.offload.routing import NoRoute, Place, Rates, route
from kernel.offload.store import JobStore
from kernel.postgres import Fence, Postgres
from kernel.tasks import Done, Outcome, Retry, Tasks, TaskSpec

logger = logging.getLogger(__name__)

#: Where nobody computes at the moment.
AWAY_RETRY_S: Final = 30.0

#: What is wrong with a result, or None.
Check = Callable[[Computed], str | None]


class Offload:
    """Those who compute, and the jobs of one database."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        objects: Objects,
        providers: Mapping[Place, Provider],
        clock: Clock | None = None,
        *,
        rates: Callable[[], Rates],
    ) -> None:
        self._postgres, self._tasks, self._objects = postgres, tasks, objects
        self._providers, self._rates = providers, rates
        self._clock: Clock = clock or SystemClock()
        self._store = JobStore(postgres)

    def advance(self, job_id: UUID, fence: Fence, check: Check) -> Outcome:
        """Take the job as far as it goes now. Retry says when to look again; Done carries the final state.

        Raises NotFound, LeaseLost, and what a provider raises that does not answer or is not set up.
        """
        job = self._store.job(job_id)
        if job.ended:
            return Done(_told(job.state, job.reason))
        match decide(job, self._clock.now()):
            case GiveUp(reason):
                outcome = self._fail(job, fence, "lost", reason)
                self._cancel(job)
                return outcome
            case Begin(loses):
                return self._begin(job, fence, check, loses)
            case Look() as step:
                return self._look(job, fence, check, step)

    def _begin(self, job: OffloadJob, fence: Fence, check: Check, loses: bool) -> Outcome:
        now = self._clock.now()
        found = route(
            job.work,
            self._rates(),
            usable={place for place, provider in self._providers.items() if provider.usable()},
            lost=losers(job),
            left_ms=None if job.valid_until is None else int((job.valid_until - now).total_seconds() * 1000),
        )
        if isinstance(found, NoRoute):
            return self._fail(job, fence, "lost", found.reason) if found.for_ever else Retry(AWAY_RETRY_S, found.reason)
        called = self._store.begin(
            job, fence, found.chosen, loses=loses, give_up_at=give_up_at(found.chosen, now), now=now
        )
        started = self._providers[found.chosen.place].start(_call(called))
        if isinstance(started, NotMade):
            return self._not_made(called, fence, started.error)
        if isinstance(started, Accepted):
            self._store.accept(called, fence, started.call_id, self._clock.now())
            return Retry(1.0, f"called {found.chosen.place}")
        return self._judge(called, fence, check, started)

    def _not_made(self, job: OffloadJob, fence: Fence, error: CounterpartError) -> Outcome:
        """No call was made, which costs no attempt; what stood in its way is the task's failure."""
        self._store.lose(job, fence, outcome="not_made", reason=error.code, now=self._clock.now())
        raise error

    def _look(self, job: OffloadJob, fence: Fence, check: Check, step: Look) -> Outcome:
        provider = self._providers.get(step.attempt.place)
        if provider is None:
            return self._lost(job, fence, "lost", f"{step.attempt.place} is not set up any more")
        try:
            seen = provider.look(step.call_id, output_key(job.id, job.attempt))
        except Transient as silence:
            if self._clock.now() < step.attempt.give_up_at:
                raise
            return self._lost(job, fence, "timed_out", silence.code)
        if not isinstance(seen, Pending):
            return self._judge(job, fence, check, seen)
        # Read again, since a word about the result may have come while it was looked for.
        pause = waiting(self._store.job(job.id).attempts[-1], self._clock.now())
        if not isinstance(pause, Lost):
            return Retry(pause.after_s, "no result yet")
        outcome = self._lost(job, fence, pause.outcome, pause.reason)
        self._cancel(job)
        return outcome

    def _judge(self, job: OffloadJob, fence: Fence, check: Check, ending: Ending) -> Outcome:
        """A result counts if what was put out is whole and the caller's check has nothing against it."""
        match ending:
            case Refusal(reason):
                return self._fail(job, fence, "refused", f"refused: {reason}")
            case Gone(outcome, reason):
                return self._lost(job, fence, outcome, reason)
        problem = self._problem(job, ending, check)
        if problem is None:
            return self._complete(job, fence, ending)
        logger.error(
            "An offloaded result does not stand its check.",
            extra={"alarm": "offload.unfit", "business_key": job.business_key, "problem": problem},
        )
        return self._lost(job, fence, "unfit", problem)

    def _problem(self, job: OffloadJob, answer: Answer, check: Check) -> str | None:
        unfit = unstorable(answer.result)
        if unfit is not None:
            return f"the result {unfit}"
        try:
            computed = Computed(
                function=job.function,
                arguments=job.arguments,
                result=answer.result,
                output=None if answer.output is None else read(self._objects, answer.output),
                input=lambda: None if job.input is None else read(self._objects, job.input),
            )
            return check(computed)
        except ObjectAbsent as absent:
            return absent.message

    def _lost(self, job: OffloadJob, fence: Fence, outcome: str, reason: str) -> Outcome:
        if job.tries >= job.attempts_max:
            return self._fail(job, fence, outcome, used_up(job, reason))
        self._store.lose(job, fence, outcome=outcome, reason=reason, now=self._clock.now())
        return Retry(1.0, reason)

    def _complete(self, job: OffloadJob, fence: Fence, answer: Answer) -> Outcome:
        told = _told(State.COMPLETED, None)
        now = self._clock.now()
        with self._postgres.transaction(holding=fence) as tx:
            self._store.complete(tx, job, answer, now)
            self._tasks.enqueue(self._follow_up(job), tx)
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _fail(self, job: OffloadJob, fence: Fence, outcome: str, reason: str) -> Outcome:
        logger.error(
            "An offloaded job failed.",
            extra={"alarm": "offload.failed", "business_key": job.business_key, "reason": reason},
        )
        told = _told(State.FAILED, reason)
        with self._postgres.transaction(holding=fence) as tx:
            self._store.fail(tx, job, outcome=outcome, reason=reason, now=self._clock.now())
            self._tasks.enqueue(self._follow_up(job), tx)
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _follow_up(self, job: OffloadJob) -> list[TaskSpec]:
        """Whoever asked for the job is told of its end, good or not, in the commit that ends it."""
        if job.then_kind is None:
            return []
        payload = {"job_id": str(job.id)}
        now = self._clock.now()
        return [TaskSpec(kind=job.then_kind, business_key=job.business_key, payload=payload, run_at=now)]

    def _cancel(self, job: OffloadJob) -> None:
        """What is not wanted any more should not cost more; but nothing depends on it."""
        latest = job.latest
        if latest is None or latest.call_id is None or latest.ended_at is not None:
            return
        provider = self._providers.get(latest.place)
        try:
            if provider is not None:
                provider.cancel(latest.call_id)
        except CounterpartError as error:
            logger.warning("A call could not be cancelled.", extra={"call_id": latest.call_id, "code": error.code})


def _call(job: OffloadJob) -> Call:
    return Call(
        job_id=job.id,
        attempt=job.attempt,
        function=job.function,
        arguments=job.arguments,
        input=job.input,
        output_key=output_key(job.id, job.attempt),
    )


def _told(state: State, reason: str | None) -> dict[str, Any]:
    """What the poll task's record says about the end."""
    return {"state": str(state), "reason": reason}
