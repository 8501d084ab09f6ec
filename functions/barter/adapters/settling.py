"""What follows from the end of one of our transactions to an exchange: all of it commits with the end itself."""

from functions.barter.adapters.calls import Calls
from functions.barter.adapters.watches import Watches
from functions.barter.core.watch import ENDED
from kernel.clock import Clock
from kernel.outbox.evm import OutboxEntry
from kernel.postgres import Transaction
from kernel.treasury.evm import ending_of
from kernel.treasury.treasury import Treasury


class Settling:
    """Ends of our transactions. A status of 0 is a failure; what to do then is the next look's business."""

    def __init__(self, watches: Watches, calls: Calls, treasury: Treasury, clock: Clock) -> None:
        self._watches, self._calls, self._treasury, self._clock = watches, calls, treasury, clock

    def settled(self, tx: Transaction, entry: OutboxEntry) -> None:
        """Book the end of an outbox entry, and have the exchange looked at."""
        call = self._calls.paid_by(tx, entry)
        watch = None if call is None else self._watches.hold(tx, call.address)
        ending = ending_of(entry)
        self._treasury.settled(tx, ending)
        if call is None or watch is None:
            return
        ended = self._calls.end(tx, call.transfer, ending, entry.reason)
        if ended is not None and watch.state not in ENDED:
            self._watches.plan_look(tx, watch, self._clock.now())
