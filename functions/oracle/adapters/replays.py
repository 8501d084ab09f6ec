"""Stored rounds for a back-test: what was decided, and the points it was decided from, in Postgres or in the bucket."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from functions.oracle.adapters.point_days import ExportedDays
from functions.oracle.core.back_test import StoredDecision, StoredFeed
from functions.oracle.core.point_days import begin_of_day
from functions.oracle.core.price import WINDOW_S
from functions.oracle.core.stored_points import StoredPoint
from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("replays.sql"))
#: An hour of rounds.
PAGE: Final = 40
#: What is read at once: rounds follow each other, and a Parquet file is opened once for all of an hour's.
CHUNK: Final = timedelta(hours=1)
CHUNKS_KEPT: Final = 2


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: datetime
    times: list[datetime]
    points: list[StoredPoint]


class StoredDecisions:
    """What was decided."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def between(self, first: int, last: int) -> Iterator[StoredDecision]:
        """The decisions of rounds first to last whose inputs are noted, oldest first."""
        after = first - 1
        while rows := self._postgres.glance.all(
            Q["decisions_between"], after=after, first=first, last=last, limit=PAGE
        ):
            after = rows[-1]["voting_round"]
            feeds = self._feeds([row["voting_round"] for row in rows])
            for row in rows:
                digest = bytes(row["points_digest"])
                yield StoredDecision(**(row | {"points_digest": digest, "feeds": feeds.get(row["voting_round"], {})}))

    def of_times(self, start: datetime, stop: datetime) -> tuple[int, int] | None:
        """The first and the last round decided in [start, stop); None where there is none."""
        row = self._postgres.glance.one(Q["rounds_of_times"], start=start, stop=stop)
        return None if row["first"] is None else (row["first"], row["last"])

    def without_inputs(self, first: int, last: int) -> int:
        """How many rounds were decided without a note of what from."""
        return int(self._postgres.glance.one(Q["rounds_without_inputs"], first=first, last=last)["rounds"])

    def medians(self, first: int, last: int) -> dict[tuple[int, str], float]:
        """(round, symbol) -> the median of all voters, in the quote."""
        rows = self._postgres.glance.all(Q["medians_between"], first=first, last=last)
        return {
            (row["voting_round"], feed["symbol"]): feed["value"] / 10 ** feed["decimals"]
            for row in rows
            for feed in row["medians"]
            if feed["value"] is not None
        }

    def _feeds(self, rounds: list[int]) -> dict[int, dict[str, StoredFeed]]:
        found: dict[int, dict[str, StoredFeed]] = {}
        for row in self._postgres.glance.all(Q["decided_feeds"], rounds=rounds):
            fields: dict[str, Any] = dict(row)
            voting_round, symbol = fields.pop("voting_round"), fields.pop("symbol")
            fields["sources"] = {source: (price, weight) for source, (price, weight) in row["sources"].items()}
            found.setdefault(voting_round, {})[symbol] = StoredFeed(**fields)
        return found


class StoredWindows:
    """The raw points around decisions: of days that are in Postgres from there, of all others from the bucket."""

    def __init__(self, postgres: Postgres, days: ExportedDays, *, prefer_bucket: bool = False) -> None:
        self._days, self._folder = days, TemporaryDirectory(prefix="points-")
        rows = postgres.glance.all(Q["days_in_postgres"])
        self._in_postgres = {row["day"] for row in rows}
        self._prefer_bucket = prefer_bucket
        self._chunks: list[_Chunk] = []
        #: Where days were read from: "Postgres" or the file's key.
        self.sources: dict[date, str] = {}

    def close(self) -> None:
        """Remove the files that were fetched."""
        self._folder.cleanup()

    def before(self, moment: datetime) -> list[StoredPoint]:
        """The points of the window that ends at a moment, both ends included."""
        start, found = moment - timedelta(seconds=WINDOW_S), []
        at = start.replace(minute=0, second=0, microsecond=0)
        while at <= moment:
            chunk = self._chunk(at)
            found += chunk.points[bisect_left(chunk.times, start) : bisect_right(chunk.times, moment)]
            at += CHUNK
        return found

    def _chunk(self, start: datetime) -> _Chunk:
        known = next((chunk for chunk in self._chunks if chunk.start == start), None)
        if known is not None:
            return known
        points = list(self._read(start, start + CHUNK))
        self._chunks = [*self._chunks[1 - CHUNKS_KEPT :], _Chunk(start, [point.time for point in points], points)]
        return self._chunks[-1]

    def _read(self, start: datetime, stop: datetime) -> Iterator[StoredPoint]:
        from functions.oracle.adapters.parquet import points_at

        day = start.date()
        exported = self._days.exported(day) if self._prefer_bucket or day not in self._in_postgres else None
        if exported is None:
            self.sources[day] = "Postgres"
            return self._days.points_between(start, stop)
        self.sources[day] = exported.object_key
        path = Path(self._folder.name) / f"{day.isoformat()}.parquet"
        if not path.exists():
            path.write_bytes(self._days.content_of(exported))
        return points_at(path, max(start, begin_of_day(day)), stop)
