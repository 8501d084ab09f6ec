"""Pins intents as they were signed, so that anybody can check what was netted: in batches, compressed, by their hash.

    {"intents": [{"id": …, "signature": …}, …], "timestamp": <Unix ms>, "version": "1.0"}

The content lies in the bucket before any row says where it is. Whoever dies in between has the same intents pinned
anew; whoever pins beside another one finds all of them marked, and records nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.netting.adapters.stored_intents import published
from functions.netting.core.times import unix_ms
from kernel.clock import Clock
from kernel.postgres import Postgres, Queries

if TYPE_CHECKING:
    from kernel.pinning import Pinning

Q: Final = Queries.load(Path(__file__).with_name("intake.sql"))
VERSION: Final = "1.0"
#: Of one pin: some seven megabytes before they are compressed.
MOST_PINNED: Final = 10_000
#: Of one turn; the next one goes on.
MOST_BATCHES: Final = 12


class PinnedIntents:
    """The pins of intents."""

    def __init__(self, postgres: Postgres, pinning: Pinning, clock: Clock, *, most: int = MOST_PINNED) -> None:
        self._postgres, self._pinning, self._clock, self._most = postgres, pinning, clock, most

    def pin(self) -> int:
        """Pin what is in no pin yet; how many intents. Raises StoreUnavailable, StoreUnusable."""
        pinned = 0
        for _ in range(MOST_BATCHES):
            with self._postgres.transaction() as tx:
                rows = tx.all(Q["unpinned_intents"], most=self._most)
            if rows:
                pinned += self._pinned(rows)
            if len(rows) < self._most:
                break
        return pinned

    def _pinned(self, rows: Sequence[Mapping[str, Any]]) -> int:
        timestamp = unix_ms(self._clock.now())
        kept = self._pinning.keep(content_of(rows, timestamp), media_type="application/json")
        key = f"netting:intents:{timestamp}:{rows[0]['id']}"
        with self._postgres.transaction() as tx:
            taken_up = [row["counter_session"] is not None for row in rows]
            marked = tx.execute(Q["mark_pinned"], key=key, ids=[row["id"] for row in rows], taken_up=taken_up)
            if marked:
                self._pinning.record(tx, key, kept)
        return marked


def content_of(rows: Sequence[Mapping[str, Any]], timestamp: int) -> bytes:
    """The pinned document of these intents."""
    whole = {"intents": [published(row) for row in rows], "timestamp": timestamp, "version": VERSION}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
