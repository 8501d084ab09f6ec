"""Tells when settlements stand still: what is wrong has no error then, and everybody behind the lane waits."""

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
#: A blockhash lives for a minute and a half, and what expired is sent anew: nothing right takes so long.
LONGEST: Final = timedelta(minutes=5)
#: The first ones say what is wrong.
MOST: Final = 5


class Standstill:
    """Looks after settlements as time passes."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def tell(self) -> Sequence[Mapping[str, Any]]:
        """Alarm of those that have not moved for five minutes, the longest first; with every call, until they do."""
        with self._postgres.transaction() as tx:
            still = tx.all(Q["standing_still"], since=self._clock.now() - LONGEST, most=MOST)
        for row in still:
            told = {"batch": str(row["batch"]), "ordinal": row["ordinal"], "state": row["state"]}
            since = {"since": row["moved_at"].isoformat(), "reason": row["reason"]}
            logger.error("A settlement stands still.", extra={"alarm": "netting.standstill"} | told | since)
        count("netting_alarms", len(still))
        return still
