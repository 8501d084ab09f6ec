"""One chain for the handlers' tests of barter, with one exchange that nothing changes."""

from collections.abc import Iterator

import pytest

from infra.local import anvil
from infra.local.barter.world import BarterWorld, Terms, deploy_world
from infra.local.children import Children
from infra.local.postgres import PostgresServer
from tests.handlers.barter.kiosk import Kiosk


@pytest.fixture(scope="session")
def still_world(children: Children) -> Iterator[BarterWorld]:
    """An exchange of two agents, in Deposit."""
    node = anvil.start(children, name="barter-handlers")
    with deploy_world(node, agents=2, terms=Terms()) as world:
        yield world
    children.forget(node.child)


@pytest.fixture
def kiosk(database_url: str, still_world: BarterWorld) -> Iterator[Kiosk]:
    """A deployment on a fresh database."""
    kiosk = Kiosk(database_url, still_world.node)
    yield kiosk
    kiosk.close()


@pytest.fixture(scope="session")
def idle(postgres_server: PostgresServer, still_world: BarterWorld) -> Iterator[Kiosk]:
    """A deployment that nothing changes."""
    url = postgres_server.create_migrated()
    kiosk = Kiosk(url, still_world.node)
    yield kiosk
    kiosk.close()
    postgres_server.drop_database(url)
