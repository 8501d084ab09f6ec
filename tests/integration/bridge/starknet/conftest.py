"""The bench at which Starknet is read: a network of one's own, real Postgres, and what its consumers have heard."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.bridge.starknet.bench import Bench
from tests.integration.bridge.starknet.network import Network


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    """A network with three blocks, and nothing read of it."""
    with ExitStack() as stack:
        bench = Bench(Network(), database_url, stack)
        for _ in range(3):
            bench.network.mine()
        yield bench
        bench.close()
