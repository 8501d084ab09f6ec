"""Prices, stored: what venues and ingest clients said, and what was decided from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.oracle.adapters.statements import Q
from functions.oracle.core.feeds import Feed
from functions.oracle.core.quotes import VenuePrice
from kernel.postgres import Postgres, Transaction

if TYPE_CHECKING:
    from functions.oracle.adapters.venue_visits import VenueReport
    from functions.oracle.core.ingest import Observation, Sorted

#: The snapshot of a statement that found nothing.
SAW_NOTHING: Final = "1:1:"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAggregate:
    """The newest decision about a symbol. Prices in the quote, float64 as decided; confidence a 95 % half-width."""

    symbol: str
    voting_round: int
    decided_at: datetime
    window_start: datetime
    vwap: float | None
    twap: float | None
    weighted_median: float | None
    consensus: float
    confidence: float
    sources: dict[str, list[float]]
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The raw points that one statement saw, and what it could see. Both are kept with what is decided from them."""

    points: tuple[VenuePrice, ...]
    #: As Postgres writes it; functions.oracle.core.snapshots reads it.
    snapshot: str


class Repository:
    """The repository of prices."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def remember_feeds(self, reward_epoch: int, feeds: Sequence[Feed]) -> None:
        """Keep the feeds of a reward epoch for those who may not ask the chain. Idempotent."""
        rows = [
            {
                "reward_epoch": reward_epoch,
                "position": position,
                "feed_id": feed.id,
                "symbol": feed.name,
                "decimals": feed.decimals,
            }
            for position, feed in enumerate(feeds)
        ]
        with self._postgres.transaction() as tx:
            tx.many(Q["remember_feed"], rows)

    def feeds(self, reward_epoch: int) -> tuple[Feed, ...]:
        """The feeds of a reward epoch in submission order; none before they were remembered."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["feeds"], reward_epoch=reward_epoch)
        return tuple(Feed(bytes(row["feed_id"]), row["decimals"]) for row in rows)

    def known_symbols(self) -> tuple[str, ...]:
        """The symbols of the newest reward epoch, in submission order; none before the first was remembered."""
        return tuple(row["symbol"] for row in self._postgres.glance.all(Q["known_symbols"]))

    def store_points(self, points: Iterable[VenuePrice], worker_id: str) -> None:
        """Store raw points. The same source, symbol, time and trade again changes nothing."""
        with self._postgres.transaction() as tx:
            _store(tx, points, worker_id)

    def ingest(self, batch: Sorted, worker_id: str) -> int:
        """Store the good points of a batch; how many. Raises NothingUsable when there is none."""
        points = [_ingested(observation) for _, observation in batch.usable().accepted]
        self.store_points(points, worker_id)
        return len(points)

    def store_collection(
        self, points: Iterable[VenuePrice], reports: Iterable[VenueReport], collected_at: datetime
    ) -> None:
        """Store what a collection brought, and what became of each venue."""
        rows = [
            {
                "collected_at": collected_at,
                "venue": report.venue,
                "outcome": "ok" if report.reason is None else report.reason,
                "points": report.points,
                "latency_ms": report.latency_ms,
            }
            for report in reports
        ]
        with self._postgres.transaction() as tx:
            _store(tx, points, "collector")
            tx.many(Q["store_venue_report"], rows)

    def window(self, start: datetime, end: datetime) -> Window:
        """Every raw point of a window, both ends included, in a fixed order."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["points_between"], start=start, end=end)
        return Window(points=tuple(_point(row) for row in rows), snapshot=rows[0]["snapshot"] if rows else SAW_NOTHING)

    def points_between(self, start: datetime, end: datetime) -> list[VenuePrice]:
        """The points of a window."""
        return list(self.window(start, end).points)

    def reputations(self) -> dict[str, dict[str, float]]:
        """symbol -> source -> how far it is believed."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["reputations"])
        believed: dict[str, dict[str, float]] = {}
        for row in rows:
            believed.setdefault(row["symbol"], {})[row["source"]] = float(row["reputation"])
        return believed

    def aggregates_at(self, symbols: Sequence[str], at: datetime) -> dict[str, StoredAggregate]:
        """The newest aggregate of each symbol that has one, decided at or before `at`."""
        rows = self._postgres.glance.all(Q["latest_aggregates"], symbols=list(symbols), at=at)
        return {row["symbol"]: StoredAggregate(**row) for row in rows}

    def aggregates_of(self, voting_round: int) -> list[StoredAggregate]:
        """What was decided for a round, by symbol."""
        rows = self._postgres.glance.all(Q["aggregates_of_round"], voting_round=voting_round)
        return [StoredAggregate(**row) for row in rows]


def _store(tx: Transaction, points: Iterable[VenuePrice], worker_id: str) -> None:
    given = list(points)
    tx.execute(
        Q["store_points"],
        symbols=[point.symbol for point in given],
        sources=[point.source for point in given],
        times=[point.time for point in given],
        prices=[point.price for point in given],
        volumes=[point.volume for point in given],
        worker_id=worker_id,
    )


def _ingested(observation: Observation) -> VenuePrice:
    base, quote = observation.symbol.split("/")
    return VenuePrice(
        base=base,
        quote=quote,
        price=observation.price,
        volume=observation.volume,
        time=observation.time,
        source=observation.source,
    )


def _point(row: Mapping[str, Any]) -> VenuePrice:
    base, quote = row["symbol"].split("/")
    return VenuePrice(
        base=base, quote=quote, price=row["price"], volume=row["volume"], time=row["time"], source=row["source"]
    )
