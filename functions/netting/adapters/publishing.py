"""Publishes what was decided about batches, before anything of them is settled."""

import zlib
from typing import Final
from uuid import UUID

from functions.netting.adapters.batches import Batches
from functions.netting.adapters.clearing import Q
from functions.netting.adapters.settle_steps import settle
from functions.netting.core.batch import BatchState, business_key
from kernel.clock import Clock
from kernel.pinning import Pinning
from kernel.postgres import Postgres
from kernel.tasks import Tasks

MEDIA_TYPE: Final = "application/json"
#: Batches that one task publishes; there is another in half a minute.
MOST: Final = 20


class Publishing:
    """Pins the metadata of batches, and lets them be settled.

    The task that settles a batch is asked for in the commit that records its pin. Who dies before it leaves the
    metadata where the next one finds them.
    """

    def __init__(self, postgres: Postgres, tasks: Tasks, pinning: Pinning, batches: Batches, clock: Clock) -> None:
        self._postgres, self._tasks, self._pinning = postgres, tasks, pinning
        self._batches, self._clock = batches, clock

    def publish(self) -> int:
        """Pin whatever is to be pinned; how many batches. Raises what keeping raises: StoreUnavailable, for one."""
        with self._postgres.transaction() as tx:
            waiting = [row["batch"] for row in tx.all(Q["unpinned"], most=MOST)]
        return sum(self._pin(batch) for batch in waiting)

    def _pin(self, batch_id: UUID) -> bool:
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["metadata_to_pin"], batch=batch_id)
        if row is None:
            return False
        kept = self._pinning.keep(zlib.decompress(row["content"]), media_type=MEDIA_TYPE)
        with self._postgres.transaction() as tx:
            if not tx.execute(Q["forget_metadata"], batch=batch_id):
                return False
            self._pinning.record(tx, business_key(batch_id, "metadata"), kept)
            if self._batches.batch(tx, batch_id).state is not BatchState.EMPTY:
                self._tasks.enqueue([settle(batch_id, self._clock.now())], tx)
        return True
