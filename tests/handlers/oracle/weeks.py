"""A week of decisions, and a day that no model was grown from: simulated markets under the oracle's own tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from functions.oracle.adapters.judgements import Q, judgement_rows
from functions.oracle.core.anomaly_training import term_of
from functions.oracle.core.decision import commit_to, decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.points import Point
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.wiring import Deps
from infra.local.oracle_windows import AT, windows
from kernel.handler import Entry
from tests.handlers.oracle.provider import Context, sqs_event

FEEDS = tuple(Feed(feed_id(f"C{number:02}/USD"), 5) for number in range(30))
GROWN, TRIED = 10, 4


@dataclass(frozen=True)
class Week:
    """What is stored: portraits of ten rounds before the day, raw points of four rounds in it."""

    deps: Deps

    def fill(self) -> None:
        """Both parts. What grows a forest is imported ahead: that takes longer than a function may."""
        import_module("sklearn.ensemble")
        term = term_of(self.deps.clock.now())
        self.portrayed(term.grown_from + timedelta(hours=1))
        for number, points in enumerate(_rounds(2, TRIED)):
            at = term.tried_from + timedelta(hours=number + 1)
            self.decided(1_000 + number, at)
            self.deps.repository.store_points(_moved(points, at), "test")

    def portrayed(self, first: datetime, rounds: int = GROWN) -> None:
        """Portraits of so many rounds, from a moment on."""
        with self.deps.kernel.postgres.transaction() as tx:
            for number, rows in enumerate(_portraits(rounds)):
                at = first + timedelta(hours=number)
                tx.many(Q["insert_judgement"], [{**row, "voting_round": number, "decided_at": at} for row in rows])
        for number in range(rounds):
            self.decided(number, first + timedelta(hours=number))

    def decided(self, voting_round: int, at: datetime) -> None:
        """A round was decided."""
        with self.deps.kernel.postgres.transaction() as tx:
            tx.execute(
                "insert into oracle.decisions values (%(round)s, 1, %(at)s, '1:1:', 0, %(digest)s)",
                digest=bytes(32),
                round=voting_round,
                at=at,
            )

    def run(self, handler: Entry[Any], kind: str) -> dict[str, Any]:
        """Deliver the message about the newest task of a kind; the task afterwards."""
        newest = "select * from kernel.tasks where kind = %(kind)s order by id desc limit 1"
        with self.deps.kernel.postgres.transaction() as tx:
            task = tx.one(newest, kind=kind)
        answer = handler.bind(self.deps)(sqs_event(f'{{"task_id": "{task["id"]}"}}'), Context())
        with self.deps.kernel.postgres.transaction() as tx:
            found = tx.one(newest, kind=kind)

        assert answer == {"batchItemFailures": []}
        return found


@cache
def _portraits(rounds: int) -> tuple[list[dict[str, Any]], ...]:
    """The rows of judgements of so many rounds, decided without a model."""
    found = []
    for points in _rounds(1, rounds):
        decisions = decide_values(FEEDS, points, AT, {})
        commitment = commit_to(decisions, submitter="0x" + "11" * 20, voting_round=0, random=1)
        found.append(list(judgement_rows(commitment, AT)))
    return tuple(found)


@cache
def _rounds(seed: int, rounds: int) -> tuple[tuple[VenuePrice, ...], ...]:
    """The points of every feed at each of so many decisions, all at AT."""
    each = list(windows(seed, rounds * len(FEEDS)))
    parts = [each[place * len(FEEDS) : (place + 1) * len(FEEDS)] for place in range(rounds)]
    return tuple(
        tuple(one for feed, points in zip(FEEDS, part, strict=True) for one in _venue_prices(feed, points))
        for part in parts
    )


def _venue_prices(feed: Feed, points: Sequence[Point]) -> list[VenuePrice]:
    return [
        VenuePrice(
            base=feed.name.split("/")[0],
            quote="USD",
            price=Decimal(repr(point.price)),
            volume=None if point.volume is None else Decimal(repr(point.volume)),
            time=datetime.fromtimestamp(float(str(point.time)), AT.tzinfo),
            source=point.source,
        )
        for point in points
    ]


def _moved(points: Sequence[VenuePrice], at: datetime) -> list[VenuePrice]:
    return [
        VenuePrice(
            base=one.base,
            quote=one.quote,
            price=one.price,
            volume=one.volume,
            time=one.time - AT + at,
            source=one.source,
        )
        for one in points
    ]
