"""Owns the copies of a pin: its task brings the content to one pinning service after the other, until enough hold it.

1. The row says who holds it already; the others are asked by health (`kernel.failover`), one at a time.
2. A service counts once it names the very CID. That is committed before the next one is asked, under the task's fence.
3. Whoever dies in between has the upload repeated: the same content is the same pin, so that changes nothing.
4. While too few services are well the task looks again when the first of their circuits may be tried, for as long as
   it takes. After `LATE_S` that is an alarm.
5. A service that does not take this one content is well: its breaker hears no complaint, and the others are asked.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from kernel.breaker.breakers import Breakers
from kernel.clock import Clock, SystemClock
from kernel.failover import AllProvidersAway, Failover
from kernel.pinning import pins
from kernel.pinning.archives import archive_of
from kernel.pinning.blocks import tree_of
from kernel.pinning.pins import Pin
from kernel.pinning.services import PinningService, PinUnfit
from kernel.pinning.sources import Sources
from kernel.postgres import Postgres
from kernel.tasks import Done, Fence, Outcome, Retry, Tasks

logger = logging.getLogger(__name__)

LATE_S: Final = 3600
#: Where fewer services are configured than are wanted, or take the content, only a person changes that.
PERSON_S: Final = 3600.0
PREFIX: Final = "pinning:"


class Replication:
    """The pinning services, and what they are given."""

    def __init__(
        self,
        postgres: Postgres,
        sources: Sources,
        services: Sequence[PinningService],
        breakers: Breakers,
        tasks: Tasks,
        clock: Clock | None = None,
    ) -> None:
        self._postgres, self._sources, self._breakers, self._tasks = postgres, sources, breakers, tasks
        self._services: Mapping[str, PinningService] = {PREFIX + service.name: service for service in services}
        self._clock: Clock = clock or SystemClock()

    def advance(self, business_key: str, fence: Fence) -> Outcome:
        """Bring the pin to as many services as it lacks, and end its task; Retry while they are away.

        Raises NotFound, ContentUnavailable, LeaseLost.
        """
        with self._postgres.transaction() as tx:
            pin = pins.read(tx, business_key)
        if pin.lacking:
            archive = archive_of(tree_of(self._sources.read(pin.cid)))
        unfit: dict[str, str] = {}
        while pin.lacking:
            tried = {PREFIX + name for name in pin.confirmed} | unfit.keys()
            others = [name for name in self._services if name not in tried]
            if not others:
                return self._again(pin, PERSON_S, f"fewer services hold it than are wanted; unfit: {unfit or 'none'}")
            try:
                holder = self._uploaded(others, pin.cid, archive, unfit)
            except AllProvidersAway as away:
                return self._again(pin, away.retry_after_s, str(away.details["providers"]))
            if holder is not None:
                pin = self._confirmed(pin, holder, fence)
        return Done({"cid": pin.cid, "confirmed": list(pin.confirmed)})

    def _uploaded(self, others: Sequence[str], cid: str, archive: bytes, unfit: dict[str, str]) -> str | None:
        """The name of the service that holds it now; None when one does not take it. Raises AllProvidersAway."""

        def upload(name: str) -> str | None:
            try:
                self._services[name].pin(cid, archive)
            except PinUnfit as refused:
                unfit[name] = str(refused.details["reason"])
                return None
            return self._services[name].name

        return Failover(others, self._breakers, self._clock, rounds=1).call(upload)

    def _confirmed(self, pin: Pin, holder: str, fence: Fence) -> Pin:
        with self._postgres.transaction(holding=fence) as tx:
            pin = pins.confirm(tx, self._clock, pin.business_key, holder)
            if not pin.lacking:
                self._tasks.complete(tx, fence, {"cid": pin.cid, "confirmed": list(pin.confirmed)})
        return pin

    def _again(self, pin: Pin, after_s: float, reason: str) -> Retry:
        if self._clock.now() - pin.created_at > timedelta(seconds=LATE_S):
            facts = {"alarm": "pinning.late", "business_key": pin.business_key, "cid": pin.cid, "reason": reason}
            logger.error("A pin lacks copies.", extra=facts | {"lacking": pin.lacking})
        return Retry(after_s, reason)
