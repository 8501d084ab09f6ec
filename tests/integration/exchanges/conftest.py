"""Collectors pointed at the local venues."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from functions.oracle.adapters.venues import Venues
from infra.local.exchanges.server import ExchangeServer


@pytest.fixture
def collector(exchanges: ExchangeServer) -> Iterator[Callable[..., Venues]]:
    """`collector(venues, **options)`: a collector pointed at the local venues, closed with the test."""
    opened: list[Venues] = []

    def open_venues(venues: Sequence[str], **options: Any) -> Venues:
        opened.append(Venues(venues, exchanges.venue_urls, **options))
        return opened[-1]

    yield open_venues
    for venues in opened:
        venues.close()
