"""Looks for the optimal clearing of a market before it is held: what is found is checked when it is."""

from dataclasses import dataclass

from functions.netting.adapters.clearing import market_of, queue_of
from functions.netting.adapters.limits import OPTIMAL, OPTIMAL_MOST, Optimal
from functions.netting.core.batching import BatchSizes
from functions.netting.core.optimal import Proposal
from functions.netting.core.plan import Fee, clear_market
from kernel.clock import Clock
from kernel.postgres import Postgres
from kernel.tunables import Tunables


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal, and whether a batch is to accept what it chooses."""

    proposal: Proposal
    is_settled: bool


class Proposing:
    """Asks the solver, where operators want that."""

    def __init__(self, postgres: Postgres, tunables: Tunables, clock: Clock, *, fee: Fee) -> None:
        self._postgres, self._tunables, self._clock, self._fee = postgres, tunables, clock, fee

    def propose(self, sizes: BatchSizes) -> Proposed | None:
        """What the solver says of the batch that is due; None where it is not asked. Takes seconds, and no lock."""
        mode = Optimal(self._tunables.get(OPTIMAL))
        if mode is Optimal.OFF:
            return None
        with self._postgres.transaction() as tx:
            queue = queue_of(tx, self._clock.now(), sizes)
            if not queue.is_due or len(queue.ids) > self._tunables.get(OPTIMAL_MOST):
                return None
            market = market_of(tx, queue.ids)

        from functions.netting.adapters.solver import propose

        start = clear_market(market, self._fee).accepted
        return Proposed(propose(market, self._fee, frozenset(start)), is_settled=mode is Optimal.SETTLED)
