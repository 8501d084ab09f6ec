"""Owns whether a decision can be made again: a stored round's points through the present code, compared bit for bit.

1. Of the points of the round's window, those count that its snapshot saw (snapshots.py). Their count and digest must be
   the stored ones; otherwise what was decided from is lost or changed, and the round says so instead of a comparison.
2. The decision is made by the function that made it (decision.py), at its moment, with each source weighed as it was
   and the model of that time, or with another model to see what it would have done.
3. Every number of every feed is compared as float64, without a tolerance; so is who was left out, and why.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.oracle.core.anomaly import Model
from functions.oracle.core.decision import FeedDecision, decide_values
from functions.oracle.core.feeds import Feed
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.core.snapshots import Snapshot
from functions.oracle.core.stored_points import StoredPoint, digest_of

_NUMBERS: Final = ("vwap", "twap", "weighted_median", "consensus", "confidence")
Shown = float | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFeed:
    """What was decided for one feed. Prices are float64 in the quote."""

    vwap: float | None
    twap: float | None
    weighted_median: float | None
    consensus: float
    confidence: float
    #: Source -> its own price, and what it was weighed with.
    sources: Mapping[str, tuple[float, float]]
    left_out: Mapping[str, str]
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """What was decided for one round, and what from. `feeds` has no entry where there was no consensus."""

    voting_round: int
    reward_epoch: int
    decided_at: datetime
    snapshot: str
    points: int
    points_digest: bytes
    model_version: int | None
    feeds: Mapping[str, StoredFeed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of one feed that came out otherwise."""

    voting_round: int
    symbol: str
    field: str
    stored: Shown
    replayed: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A round made again. Without its points, or its feeds, `has_inputs` is false and nothing is compared."""

    voting_round: int
    has_inputs: bool
    differences: tuple[Difference, ...] = ()
    #: What each feed's consensus is now, where there is one.
    consensus: Mapping[str, float]


def replay(stored: StoredDecision, feeds: Sequence[Feed], points: Iterable[StoredPoint], model: Model | None) -> Replay:
    """A stored round made again from points that contain those of its window."""
    seen = points_seen(stored, points)
    if not feeds or (stored.points, stored.points_digest) != (len(seen), digest_of(seen)):
        return Replay(voting_round=stored.voting_round, has_inputs=False, consensus={})
    weighed = {
        symbol: {source: weight for source, (_, weight) in feed.sources.items()}
        for symbol, feed in stored.feeds.items()
    }
    decisions = decide_values(feeds, seen, stored.decided_at, weighed, model)
    found = {decision.feed.name: decision for decision in decisions}
    return Replay(
        voting_round=stored.voting_round,
        has_inputs=True,
        differences=tuple(_differences(stored, found)),
        consensus={
            symbol: decision.aggregate.consensus
            for symbol, decision in found.items()
            if decision.aggregate.consensus is not None
        },
    )


def points_seen(stored: StoredDecision, points: Iterable[StoredPoint]) -> list[VenuePrice]:
    """Those of the points that were committed when the round was decided."""
    snapshot = Snapshot.of(stored.snapshot)
    return [point.as_priced for point in points if snapshot.sees(point.stored_in)]


def _differences(stored: StoredDecision, found: Mapping[str, FeedDecision]) -> Iterator[Difference]:
    for symbol in sorted(stored.feeds.keys() | found.keys()):
        before, now = _fields(stored.feeds.get(symbol)), _fields(_as_stored(found.get(symbol)))
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                yield Difference(
                    voting_round=stored.voting_round,
                    symbol=symbol,
                    field=name,
                    stored=before.get(name),
                    replayed=now.get(name),
                )


def _fields(feed: StoredFeed | None) -> dict[str, Shown]:
    """Everything that a feed's decision says, one value a name; a source that took part and one that did not differ."""
    if feed is None:
        return {}
    fields: dict[str, Shown] = {name: getattr(feed, name) for name in _NUMBERS}
    fields |= {f"price of {source}": price for source, (price, _) in feed.sources.items()}
    fields |= {f"weight of {source}": weight for source, (_, weight) in feed.sources.items()}
    fields |= {f"without {source}": reason for source, reason in feed.left_out.items()}
    return fields | {"flagged": feed.flagged}


def _as_stored(decision: FeedDecision | None) -> StoredFeed | None:
    """A decision as it would be stored; None where it would not be."""
    if decision is None:
        return None
    made = decision.aggregate
    if made.consensus is None or made.confidence is None:
        return None
    return StoredFeed(
        vwap=made.vwap,
        twap=made.twap,
        weighted_median=made.weighted_median,
        consensus=made.consensus,
        confidence=made.confidence,
        sources={source: (price, decision.trusted[source]) for source, price in made.source_prices.items()},
        left_out=decision.left_out,
        flagged=made.flagged,
    )
