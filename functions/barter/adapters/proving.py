"""Works on proofs: a certificate is made and checked here; a proof of one is asked for, and computed elsewhere.

1. The lists are read, all of one block. Then the attempt is written down, and only then made.
2. direct: the certificate is made, checked by code that did not make it, and packed.
   groth16: a job is offloaded (gpu/exchange), whose result counts once an independent verifier has passed it; its end
   asks for the next step here.
3. The exchange itself says, by a quorum, that it would take journal and seal, and which allocation it reads from them.
4. Only then they are stored. In the same commit their posting is asked for, and everybody is told who waits.

Whoever dies in between leaves a job in progress; the next worker begins another attempt, a bounded number of times.
Chains and stores that are away cost no attempt.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from functions.barter.adapters.exchanges import Exchanges, Lists, NotAnExchange, TradeGone
from functions.barter.adapters.jobs import Jobs
from functions.barter.adapters.steps import PROVE, SERVICE, ProveStep, name_of
from functions.barter.adapters.stored import StoredJob
from functions.barter.adapters.watches import Watches
from functions.barter.core.certificate import Certificate, certify, check
from functions.barter.core.job import ATTEMPTS_MAX, OWED, Choice, Event, Mode, State, mode_of
from functions.barter.core.journal import allocation_of, direct_seal, journal_of
from functions.barter.core.words import unpack_list
from kernel.clock import Clock
from kernel.correlation import current
from kernel.errors import Invalid, Transient
from kernel.offload import Job as Offloaded
from kernel.offload import Jobs as Offloading
from kernel.offload import OffloadJob
from kernel.offload.lifecycle import State as OffloadState
from kernel.postgres import Fence, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks

_FUNCTION: Final = "exchange_proof"
AWAY_S: Final = 5.0
#: A proof that takes longer than the exchange waits is of no use: 250 blocks of 12 s, and some.
_VALID: Final = timedelta(hours=1)
_DEATHS: Final = "its attempts are used up; whoever made the last one died over it"


class Proving:
    """The proofs that are owed."""

    def __init__(
        self,
        tasks: Tasks,
        watches: Watches,
        jobs: Jobs,
        offloading: Offloading,
        exchanges: Exchanges,
        clock: Clock,
        *,
        choice: Choice,
        posts_trades: bool,
    ) -> None:
        self._tasks, self._watches, self._jobs, self._offloading = tasks, watches, jobs, offloading
        self._exchanges, self._clock, self._choice, self._posts_trades = exchanges, clock, choice, posts_trades

    def advance(self, step: ProveStep, *, fence: Fence) -> Outcome:
        """Take a proof as far as it goes now. ValueError for a step about nothing."""
        if step.job_id is not None:
            return self.conclude(step.job_id, fence=fence)
        if step.proof_id is None:
            raise ValueError("a step names a proof, or the offloaded job of one")
        return self.prove(step.proof_id, fence=fence)

    def prove(self, proof_id: UUID, *, fence: Fence) -> Outcome:
        """Begin an attempt, or go on with the one that is computed elsewhere."""
        with self._tasks.postgres.transaction() as tx:
            job = self._jobs.job(tx, proof_id)
        if job.state == State.IN_PROGRESS and job.offload_id is not None:
            return self.conclude(job.offload_id, fence=fence)
        why_not = self._why_not(job)
        if why_not is not None:
            return why_not
        try:
            lists = self._exchanges.lists(job.address, job.trade)
        except TradeGone as gone:
            return Skipped(gone.code)
        except NotAnExchange as other:
            return self._fail(self._begin(job, None, fence), other.message, fence)
        began = self._begin(job, lists, fence)
        if began.state != State.IN_PROGRESS:
            return Skipped(f"it is {began.state}")
        return self._attempt(began, lists, fence)

    def conclude(self, job_id: UUID, *, fence: Fence) -> Outcome:
        """Take what an offloaded job has come to."""
        with self._tasks.postgres.transaction() as tx:
            job = self._jobs.of_offload(tx, job_id)
        if job is None or job.state != State.IN_PROGRESS:
            return Skipped("nobody waits for it" if job is None else f"it is {job.state}")
        offloaded = self._offloading.job(job_id)
        if not offloaded.ended:
            return Retry(AWAY_S, "it is computed elsewhere")
        if offloaded.state != OffloadState.COMPLETED or offloaded.result is None:
            return self._fail(job, f"the proof was not computed: {offloaded.reason}", fence)
        allocation = [item - 1 for item in offloaded.arguments["allocation"]]
        return self._finish(job, journal_of(allocation), _seal_of(offloaded), allocation, fence)

    def _why_not(self, job: StoredJob) -> Outcome | None:
        """Why nothing is to be done now; None where something is."""
        if job.state not in OWED or (job.state == State.ERRORED and job.next_attempt_at is None):
            return Skipped(f"it is {job.state}")
        if job.next_attempt_at is not None and job.next_attempt_at > self._clock.now():
            return Retry((job.next_attempt_at - self._clock.now()).total_seconds(), "its next attempt is not due")
        return None

    def _begin(self, job: StoredJob, lists: Lists | None, fence: Fence) -> StoredJob:
        """The job with its attempt written down; or as it is by now, where there is to be none."""
        with self._tasks.postgres.transaction(holding=fence) as tx:
            watch = self._watches.hold(tx, job.address)
            job = self._jobs.job(tx, job.id, lock=True)
            if self._why_not(job) is not None:
                return job
            if job.attempts >= ATTEMPTS_MAX and job.state == State.IN_PROGRESS:
                return self._jobs.fail(tx, job, _DEATHS, for_good=True)
            agents = None if lists is None else len(lists.words)
            choice = self._choice if watch.is_ours else Choice.DIRECT  # a proof is dear, too
            mode = None if lists is None else mode_of(choice, len(lists.words), lists.circuit_agents)
            return self._jobs.move(tx, job, Event.BEGIN, mode=mode, agents=agents)

    def _attempt(self, job: StoredJob, lists: Lists, fence: Fence) -> Outcome:
        try:
            preferences = [unpack_list(word) for word in lists.words]
            certificate = certify(preferences, lists.list_max)
            allocation = check(preferences, certificate, lists.list_max)
            journal = journal_of(allocation)
            seal = direct_seal(certificate)
        except Invalid as unfit:
            return self._fail(job, unfit.message, fence)
        if job.mode == Mode.GROTH16:
            return self._offload(job, lists, certificate, allocation, fence)
        try:
            return self._finish(job, journal, seal, allocation, fence)
        except Transient as away:
            return self._put_off(job, away.code, fence)

    def _finish(self, job: StoredJob, journal: bytes, seal: bytes, allocation: Sequence[int], fence: Fence) -> Outcome:
        """Store what the exchange says that it would take. Raises what is transient."""
        if allocation_of(journal, len(allocation)) != list(allocation):
            raise ValueError("a journal says something else than what it was made of")
        refusal = self._exchanges.refusal(job.address, journal, seal, allocation)
        if refusal is not None:
            return self._fail(job, refusal, fence)
        with self._tasks.postgres.transaction(holding=fence) as tx:
            current_job = self._held(tx, job)
            if current_job is None:
                return Skipped("nobody wants it any more")
            completed = self._jobs.move(tx, current_job, Event.COMPLETE, proof=(journal, seal))
            if self._posts_trades:
                self._jobs.wake_posting(tx, completed)
            told = {"state": str(completed.state), "agents": len(allocation)}
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _offload(
        self, job: StoredJob, lists: Lists, certificate: Certificate, allocation: Sequence[int], fence: Fence
    ) -> Outcome:
        if lists.circuit_agents is None or lists.circuit_agents < len(lists.words):
            return self._fail(job, "the exchange has no verifier for so many agents", fence)
        arguments = _arguments(job, lists, lists.circuit_agents, certificate, allocation)
        with self._tasks.postgres.transaction(holding=fence) as tx:
            current_job = self._held(tx, job)
            if current_job is None:
                return Skipped("nobody wants it any more")
            offloaded = self._jobs.offloaded(
                tx, current_job, self._offloading.submit(tx, self._asked(job, lists.list_max, arguments))
            )
            told = {"state": str(offloaded.state), "offloaded": str(offloaded.offload_id)}
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _asked(self, job: StoredJob, list_max: int, arguments: dict[str, Any]) -> Offloaded:
        from gpu.catalogue import exchange_proof_work

        return Offloaded(
            business_key=f"{name_of(job.chain_id, job.address)}:{job.id}:proof:{job.wakes}:{job.attempts}",
            service=SERVICE,
            function=_FUNCTION,
            arguments=arguments,
            work=exchange_proof_work(arguments["size"], list_max, with_key=False),
            then_kind=PROVE,
            valid_until=self._clock.now() + _VALID,
            correlation_id=current(),
        )

    def _held(self, tx: Transaction, job: StoredJob) -> StoredJob | None:
        """The job, held with its exchange; None where it is not in this attempt any more."""
        self._watches.hold(tx, job.address)
        held = self._jobs.job(tx, job.id, lock=True)
        return held if (held.state, held.attempts) == (job.state, job.attempts) else None

    def _fail(self, job: StoredJob, reason: str, fence: Fence) -> Outcome:
        with self._tasks.postgres.transaction(holding=fence) as tx:
            held = self._held(tx, job)
            if held is None or held.state != State.IN_PROGRESS:
                return Skipped("nobody wants it any more")
            failed = self._jobs.fail(tx, held, reason)
            told = {"state": str(failed.state), "error": reason[:200]}
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _put_off(self, job: StoredJob, reason: str, fence: Fence) -> Outcome:
        with self._tasks.postgres.transaction(holding=fence) as tx:
            held = self._held(tx, job)
            if held is not None:
                self._jobs.move(tx, held, Event.PUT_OFF, told={"reason": reason})
        return Retry(AWAY_S, reason)


def _arguments(
    job: StoredJob, lists: Lists, size: int, certificate: Certificate, allocation: Sequence[int]
) -> dict[str, Any]:
    """As gpu/exchange/form.py has them."""
    return {
        "size": size,
        "list_max": lists.list_max,
        "image_id": "0x" + lists.image_id.hex(),
        "chain_id": job.chain_id,
        "address": job.address.lower(),
        "trade_block": job.trade.block,
        "agents": len(lists.words),
        "lists": [hex(word) for word in lists.words],
        "allocation": [item + 1 for item in allocation],
        "positions": list(certificate.pos),
        "labels": list(certificate.labels),
    }


def _seal_of(offloaded: OffloadJob) -> bytes:
    from gpu.exchange.form import seal_of

    return seal_of(offloaded.result or {})
