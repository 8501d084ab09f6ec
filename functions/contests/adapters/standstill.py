"""Tells when contests stand still: whoever plays waits, and nothing that waits for a price or a wallet is an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from kernel.clock import Clock
from kernel.handler import count
from kernel.postgres import Postgres, Queries

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("standstill.sql"))
#: An evaluation waits so long for the prices of the end, and payments are final in seconds.
LONGEST: Final = timedelta(minutes=10)
#: The first ones say what is wrong.
MOST: Final = 5


class Standstill:
    """Looks after contests as time passes."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def tell(self) -> Sequence[Mapping[str, Any]]:
        """Alarm of those that have not moved for ten minutes, the longest first; with every call, until they do."""
        with self._postgres.transaction() as tx:
            still = tx.all(Q["standing_still"], since=self._clock.now() - LONGEST, most=MOST)
        for row in still:
            told = {"contest": str(row["id"]), "state": row["state"], "lacks_wallet": row["lacks_wallet"]}
            since = {"since": row["since"].isoformat()}
            logger.error("A contest stands still.", extra={"alarm": "contests.standstill"} | told | since)
        count("contests_alarms", len(still))
        return still
