"""Reads what exchanges tell of their phases: one cursor over those that operators asked for; webhooks tell of the same.

An event is a hint: whoever takes it looks at the exchange itself. So nothing is missed, either, of an exchange that is
followed since a moment ago, whose address this turn did not know yet: its first look comes by itself.
"""

from typing import Final

from functions.barter.adapters.steps import EVENTS
from functions.barter.adapters.watches import Watches
from functions.barter.core.exchange import PHASE_CHANGED
from kernel.clock import Clock
from kernel.evm.log_cursor import Budget, LogCursor, Watch
from kernel.evm.rpc import RpcPool
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.watches import Watches as Declared

NAME: Final = "barter.exchanges"


class Indexing:
    """The events of exchanges on one chain."""

    def __init__(self, postgres: Postgres, tasks: Tasks, pool: RpcPool, watches: Watches, clock: Clock) -> None:
        self._postgres, self._tasks, self._pool, self._watches = postgres, tasks, pool, watches
        self._declared, self._clock = Declared(clock), clock

    def newest(self, seconds: float) -> int:
        """A turn over the newest blocks, in so many seconds; how many events it told.

        Raises ChainUnread, RpcUnavailable, WrongChain.
        """
        with self._postgres.transaction() as tx:
            addresses, first_block = self._watches.followed(tx)
            if not addresses:
                self._declared.withdraw(tx, NAME)
                return 0
            watch = Watch(
                name=NAME,
                chain_id=self._watches.chain_id,
                addresses=addresses,
                topics=(PHASE_CHANGED,),
                kind=EVENTS,
                start_block=first_block,
            )
            self._declared.declare(tx, watch)
        cursor = LogCursor(self._postgres, self._tasks, self._pool, watch, self._clock)
        progress = cursor.advance(Budget(seconds=seconds))
        return progress.events + progress.retractions
