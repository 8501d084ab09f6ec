"""Begins to follow an exchange: in whatever phase it is, and however often somebody asks."""

from functions.barter.adapters.contracts import Contracts
from functions.barter.adapters.exchanges import Exchanges
from functions.barter.adapters.stored import StoredWatch
from functions.barter.adapters.watches import Watches
from functions.barter.core.exchange import ENACTABLE_MAX
from functions.barter.core.watch import State, is_changed_by
from kernel.errors import Rejected
from kernel.postgres import Postgres


class MarketTooLarge(Rejected):
    """The exchange takes more agents than one transaction can enact the trades of."""

    status = 422
    cause = "It was deployed with a larger agentsMax than infra/contracts/barter/Exchange.sol accepts."
    remedy = (
        "Deploy one with an agentsMax of at most the limit in details; in Withdraw owners take back what lies here."
    )
    example = '{"agents_max": 4095, "enactable_max": 900}'


class Watching:
    """What `watchContract` does."""

    def __init__(self, postgres: Postgres, watches: Watches, contracts: Contracts, exchanges: Exchanges) -> None:
        self._postgres, self._watches, self._contracts, self._exchanges = postgres, watches, contracts, exchanges

    def begin(self, address: str, *, by_operator: bool) -> StoredWatch:
        """The watch of an exchange, as it is or from now on. What follows from its phase is its next look's business.

        by_operator: whether whoever asks may have us pay for it.

        Raises AddressInvalid, NotAnExchange, MarketTooLarge, TooManyWatches, and what is transient.
        """
        with self._postgres.transaction() as tx:
            known = self._watches.of(tx, address)
        if known is not None and not is_changed_by(known.state, is_ours=known.is_ours, by_operator=by_operator):
            return known
        seen = self._exchanges.look(address)
        if seen.terms.agents_max > ENACTABLE_MAX:
            raise MarketTooLarge(agents_max=seen.terms.agents_max, enactable_max=ENACTABLE_MAX)
        with self._postgres.transaction() as tx:
            watch = self._watches.watch(tx, address, by_operator=by_operator)
            if watch.state == State.WATCHING:  # else the next look compares with what the watch has gone by
                self._contracts.keep(tx, watch, seen)
        return watch
