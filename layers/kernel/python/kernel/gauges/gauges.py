"""Owns the counting, from the tables themselves: no container's memory is asked, so none that died is missed.

Every statement reads what is open, alarmed or recent through a partial index, never the whole of a table that only
grows. What is counted is told by service, chain, kind and state, never by wallet or order; prices by their symbols, of
which a network has some dozens.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kernel.clock import Clock, SystemClock
from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
#: Everything that is counted.
COUNTS: Final = (
    *("open_tasks", "parked_tasks", "ended_tasks", "dead_letters", "outbox", "alarms", "services"),
    *("webhook_endpoints", "webhook_deliveries", "offload", "pins", "prices", "work", "service_gauges"),
)
#: What ended within this is counted as recent.
RECENT_S: Final = 300

Rows = Sequence[Mapping[str, Any]]


class Gauges:
    """What stands in the rooms of one database. Only ops may read all of them."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock: Clock = clock or SystemClock()

    def read(self) -> Mapping[str, Rows]:
        """The rows of every count by its name in queries.sql, all of one transaction."""
        now: datetime = self._clock.now()
        with self._postgres.transaction() as tx:
            return {name: tx.all(Q[name], now=now, recent_s=RECENT_S) for name in COUNTS}
