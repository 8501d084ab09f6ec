"""The local venues of these tests, healthy and with their clocks running whenever a test begins."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from functions.oracle.adapters.venues import Venues
from infra.local.children import Children
from infra.local.exchanges import server
from infra.local.exchanges.server import ExchangeServer


@pytest.fixture(scope="session")
def exchange_server(children: Children) -> ExchangeServer:
    """The exchange server of this pytest process."""
    return server.start(children)


@pytest.fixture
def exchanges(exchange_server: ExchangeServer) -> Iterator[ExchangeServer]:
    """The exchange server, without faults."""
    yield exchange_server
    exchange_server.clear()
    exchange_server.hold(None)


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
