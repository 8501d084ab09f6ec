"""Records postings of trades: the exchange is looked at once more, then one commit makes the posting certain."""

import logging
from dataclasses import dataclass
from typing import Final

from functions.barter.adapters.calls import Calls, Purpose, call
from functions.barter.adapters.exchanges import Exchanges, NotAnExchange
from functions.barter.adapters.jobs import Jobs
from functions.barter.adapters.steps import PostStep
from functions.barter.adapters.stored import StoredJob
from functions.barter.adapters.watches import Watches
from functions.barter.core.exchange import trades_call
from functions.barter.core.job import Mode, State
from functions.barter.core.watch import Phase
from kernel.ledger import Overdrawn
from kernel.postgres import Fence
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks
from kernel.treasury import ServiceHalted
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

logger = logging.getLogger(__name__)

#: Over the estimate, in percent: an owner may have withdrawn nothing, but storage may cost more by then.
HEADROOM_PERCENT: Final = 25
REFUSED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Postable:
    """A proof that the exchange would take now, and the gas of its posting."""

    job: StoredJob
    data: bytes
    gas_limit: int


class Posting:
    """Trades that are proven."""

    def __init__(
        self,
        tasks: Tasks,
        watches: Watches,
        jobs: Jobs,
        calls: Calls,
        exchanges: Exchanges,
        *,
        settler: str,
        gas_max: int,
    ) -> None:
        self._tasks, self._watches, self._jobs, self._calls = tasks, watches, jobs, calls
        self._exchanges, self._settler, self._gas_max = exchanges, settler, gas_max

    def look(self, step: PostStep) -> Postable | Skipped:
        """Whether the exchange would take the trades now. Raises what is transient."""
        with self._tasks.postgres.transaction() as tx:
            job = self._jobs.job(tx, step.proof_id)
            watch = self._watches.require(tx, job.address)
        if not watch.is_ours or job.state != State.COMPLETED or job.journal is None or job.seal is None:
            return Skipped(f"it is {job.state}" if watch.is_ours else "no operator has asked for it")
        try:
            seen = self._exchanges.look(job.address)
        except NotAnExchange as other:
            return Skipped(other.code)
        if not (seen.is_ours and (job.mode == Mode.DIRECT or self._exchanges.is_our_verifier(seen.terms.verifier))):
            return Skipped("it is no exchange of ours")
        sight = seen.sight
        if sight.phase != Phase.TRADE or sight.trade != job.trade:
            return Skipped("the exchange does not wait for it")
        data = trades_call(job.journal, job.seal)
        gas = self._exchanges.gas(job.address, data, self._settler)
        if gas is None or gas > self._gas_max:
            logger.error(
                "Trades that are proven cannot be posted.",
                extra={"alarm": "barter.unpostable", "address": job.address, "gas": gas},
            )
            return Skipped("it reverts" if gas is None else "it takes more gas than one transaction may")
        return Postable(job, data, min(self._gas_max, gas * (100 + HEADROOM_PERCENT) // 100))

    def take(self, found: Postable | Skipped, *, fence: Fence) -> Outcome:
        """Record the posting. What the treasury refuses undoes all of it."""
        if isinstance(found, Skipped):
            return found
        try:
            return self._record(found, fence)
        except (Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown) as refused:
            return Retry(REFUSED_S, refused.code)

    def _record(self, found: Postable, fence: Fence) -> Outcome:
        with self._tasks.postgres.transaction(holding=fence) as tx:
            watch = self._watches.hold(tx, found.job.address)
            job = self._jobs.job(tx, found.job.id, lock=True)
            if job.state != State.COMPLETED or job.seal != found.job.seal:
                return Skipped(f"it is {job.state}")
            if self._calls.open(tx, watch) is not None:
                return Skipped("a transaction is on its way to the exchange")
            posted = call(found.data, found.gas_limit)
            recorded = self._calls.record(tx, watch, Purpose.TRADES, Phase.TRADE, job.id, posted)
            told = {"transfer": recorded.transfer, "gas_limit": found.gas_limit}
            self._tasks.complete(tx, fence, told)
        return Done(told)
