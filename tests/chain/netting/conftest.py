"""The world of netting's chain tests: five wallets with funds and session keys, eight items in escrow, an authority."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.netting import records
from infra.local.netting.world import World
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.netting.settlement_desk import Desk
from tests.chain.netting.till import Till

ROLE = "counterpart_netting"


@pytest.fixture
def world(start_netting_world: Callable[..., World]) -> World:
    """A world whose blocks come on demand."""
    return start_netting_world(paused=True)


@pytest.fixture
def proxied_world(start_netting_world: Callable[..., World]) -> World:
    """The same behind two RPC identities, whose faults `world.node.proxy` switches."""
    return start_netting_world(paused=True, proxied=True)


@pytest.fixture
def kernel(database_url: str) -> FakedKernel:
    """A container's kernel on a real database, its clock in our hands."""
    return FakedKernel(database_url, role=ROLE, clock=FakeClock())


@pytest.fixture
def known_world(world: World, kernel: FakedKernel, database_url: str) -> World:
    """The world, its key sealed in `kernel`'s vault, its authority's books open, all of it in netting's tables."""
    records.record(world, database_url, kernel.envelope, kernel.clock)
    records.open_books(world, database_url, kernel.clock)
    return world


@pytest.fixture
def desk(known_world: World, kernel: FakedKernel, database_url: str) -> Iterator[Desk]:
    """Where the known world's batches are settled."""
    desk = Desk(known_world, kernel, database_url, (known_world.node.url,))
    yield desk
    desk.close()


@pytest.fixture
def till(world: World, database_url: str) -> Iterator[Till]:
    """Where the wallets of a world that is known are served."""
    till = Till(world, database_url)
    yield till
    till.close()
