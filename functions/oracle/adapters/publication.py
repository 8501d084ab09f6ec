"""Tells the prices of a round to whoever reads the stream: a feed's on its own topic, and all of them on one.

The task that does so is asked for in the transaction that stores the prices: they are told if and only if they are
stored, whoever dies, and the commit waits for nobody who reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from functions.oracle.adapters.plain_text import plain
from kernel.tasks import TaskSpec

if TYPE_CHECKING:
    from functions.oracle.adapters.repository import StoredAggregate
    from kernel.realtime import Publisher

TOPIC: Final = "prices"
#: A round's prices that nobody was told by then are no news: the next round's are there.
NEWS_FOR_S: Final = 90
#: Seconds after the decision at which somebody else comes by, should whoever was to tell have died: sweeps are late.
AGAIN_S: Final = (10, 30)
#: Feeds in one message, which has 30 KiB at most.
FEEDS_PER_MESSAGE: Final = 100


def publication_of(voting_round: int, business_key: str, decided_at: datetime) -> TaskSpec:
    """The task that tells a round's prices, under the business key of the commit that they were decided for."""
    return TaskSpec(
        kind="oracle.publish_prices",
        business_key=business_key,
        payload={"voting_round": voting_round},
        run_at=decided_at,
        expires_at=decided_at + timedelta(seconds=NEWS_FOR_S),
        resend_s=AGAIN_S,
    )


class Publication:
    """What is published of prices."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, decided: Sequence[StoredAggregate], *, key: str) -> None:
        """Tell a round's prices; with the same key again, nothing. Raises CacheUnavailable, QueueUnavailable."""
        for number, part in enumerate(_parts(decided)):
            prices = [_price(aggregate) for aggregate in part]
            common = {"voting_round": part[0].voting_round, "decided_at": part[0].decided_at.isoformat()}
            bodies = {f"{TOPIC}:{price['symbol']}": price for price in prices}
            self._publisher.publish_many(bodies | {TOPIC: common | {"prices": prices}}, key=f"{key}:{number}")


def _parts(decided: Sequence[StoredAggregate]) -> Iterator[list[StoredAggregate]]:
    rest = iter(decided)
    while part := list(islice(rest, FEEDS_PER_MESSAGE)):
        yield part


def _price(aggregate: StoredAggregate) -> dict[str, Any]:
    return {
        "symbol": aggregate.symbol,
        "price": plain(aggregate.consensus),
        "confidence": plain(aggregate.confidence),
        "sources": len(aggregate.sources),
        "flagged": aggregate.flagged,
        "voting_round": aggregate.voting_round,
        "decided_at": aggregate.decided_at.isoformat(),
    }
