"""The desk at which those who settle batches die: five wallets with funds, eight items in escrow, an authority."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.netting import records
from infra.local.netting.world import World
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.netting.settlement_desk import Desk

ROLE = "counterpart_netting"


@pytest.fixture
def desk(start_netting_world: Callable[..., World], database_url: str) -> Iterator[Desk]:
    """A world whose blocks come on demand, and netting's containers in front of it."""
    world, kernel = start_netting_world(paused=True), FakedKernel(database_url, role=ROLE, clock=FakeClock())
    records.record(world, database_url, kernel.envelope, kernel.clock)
    records.open_books(world, database_url, kernel.clock)
    desk = Desk(world, kernel, database_url, (world.node.url,))
    yield desk
    desk.close()
