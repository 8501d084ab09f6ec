"""Follows the escrows of every origin: a turn of each one's cursors, and what webhooks may tell of them."""

import logging
from collections.abc import Callable, Mapping

from functions.bridge.adapters.origin import Origin
from kernel.clock import Clock
from kernel.errors import CounterpartError, Transient
from kernel.postgres import Postgres
from kernel.watches import Watches

logger = logging.getLogger(__name__)


class Following:
    """Turns over all origins. One that cannot be read keeps no other from being read."""

    def __init__(self, postgres: Postgres, origins: Mapping[str, Origin], clock: Clock) -> None:
        self._postgres, self._origins, self._watches = postgres, origins, Watches(clock)

    def newest(self, seconds: float) -> None:
        """A turn over the newest blocks of each origin, in so many seconds for all; webhooks may tell of the same.

        Raises what the worst of them raised, once all had their turn: what is ours before what passes.
        """
        with self._postgres.transaction() as tx:
            for origin in self._origins.values():
                for watch in origin.webhook_watches:
                    self._watches.declare(tx, watch)
        self._each(lambda origin: origin.newest(self._part(seconds)))

    def accepted(self, seconds: float) -> None:
        """The same over final blocks: what the others have missed."""
        self._each(lambda origin: origin.accepted(self._part(seconds)))

    def _part(self, seconds: float) -> float:
        return seconds / len(self._origins)

    def _each(self, turn: Callable[[Origin], None]) -> None:
        failures: list[CounterpartError] = []
        for name, origin in self._origins.items():
            try:
                turn(origin)
            except CounterpartError as failed:
                logger.warning("An origin was not read.", extra={"origin": name, "code": failed.code})
                failures.append(failed)
        if failures:
            raise min(failures, key=lambda failed: isinstance(failed, Transient))
