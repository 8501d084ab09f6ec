"""The settlement that has the lane: moved on as far as the chain says, by whoever holds the lane's row."""

from functions.netting.adapters.batches import Batches, StoredSettlement
from functions.netting.adapters.lane import Attempt, Lane, Standing
from functions.netting.adapters.prospects import items_stored
from functions.netting.adapters.recording import Recording
from functions.netting.core.batch import SettlementEvent, SettlementState
from functions.netting.core.packing import InParts
from kernel.outbox.solana import State
from kernel.postgres import Transaction

#: Not in any block.
_OUT = frozenset((State.SIGNED, State.BROADCAST))


class Occupant:
    """Whoever has the lane."""

    def __init__(self, batches: Batches, lane: Lane, recording: Recording) -> None:
        self._batches, self._lane, self._recording = batches, lane, recording

    def goes_on(self, tx: Transaction, standing: Standing) -> bool:
        """Whether a settlement has the lane still, after all that is due for it was done."""
        if standing.batch is None or standing.ordinal is None:
            return False
        settlement = self._batches.settlement(tx, standing.batch, standing.ordinal, lock=True)
        if settlement.state not in (SettlementState.SENT, SettlementState.LANDED):
            return False
        attempts = [one for one in self._lane.attempts(tx, settlement) if one.attempt == settlement.attempt]
        if settlement.state == SettlementState.LANDED:
            return self._is_dropped(tx, settlement, attempts[-1])
        if any(one.has_failed for one in attempts):
            return True  # no part after one that failed; the newest fails, too, and that ends the attempt
        return not attempts[-1].has_landed or not self._is_over(tx, settlement)

    def _is_dropped(self, tx: Transaction, settlement: StoredSettlement, latest: Attempt) -> bool:
        """The block that held it is gone, and nobody has had the lane since: then it is its own again."""
        if latest.stands in _OUT:
            self._batches.move(tx, settlement, SettlementEvent.DROP)
            return True
        return False

    def _is_over(self, tx: Transaction, settlement: StoredSettlement) -> bool:
        """Its newest transaction has landed, well or not: that was all, or the next part follows."""
        if isinstance(settlement.plan, InParts) and settlement.step < len(settlement.plan.parts):
            self._recording.next_part(tx, settlement, items_stored(tx, settlement))
            return False
        self._batches.move(tx, settlement, SettlementEvent.LAND)
        return True
