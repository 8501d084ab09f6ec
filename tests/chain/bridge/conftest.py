"""Scenes of the bridge's chain tests."""

from collections.abc import Callable, Iterator

import pytest

from functions.bridge.core.registry import Version
from infra.local.bridge.world import World
from tests.chain.bridge.desk import Desk
from tests.chain.bridge.scene import Scene
from tests.chain.evm.liar import Liar


@pytest.fixture(params=list(Version), ids=lambda version: f"v{version.value}")
def scene(request: pytest.FixtureRequest, start_bridge_world: Callable[..., World], database_url: str) -> Scene:
    """Either generation, on chains that mine each transaction at once."""
    return Scene(start_bridge_world(), request.param, database_url=database_url)


@pytest.fixture
def newer(start_bridge_world: Callable[..., World], database_url: str) -> Scene:
    """The second generation alone."""
    return Scene(start_bridge_world(), Version.V2, database_url=database_url)


@pytest.fixture
def faulty(start_bridge_world: Callable[..., World], database_url: str) -> Scene:
    """The same, its chains reachable under two RPC identities each, whose faults `node.proxy` switches."""
    return Scene(start_bridge_world(proxied=True), Version.V2, database_url=database_url)


@pytest.fixture
def open_desk(start_bridge_world: Callable[..., World], database_url: str) -> Iterator[Callable[..., Desk]]:
    """`open_desk(version, proxied=...)`: the second generation's market maker, or that of the one named, at work."""
    opened: list[Desk] = []

    def start(version: Version = Version.V2, *, proxied: bool = False) -> Desk:
        world = start_bridge_world(proxied=proxied)
        opened.append(Desk(world, version, database_url, l1=world.l1.proxy_urls, l2=world.l2.proxy_urls))
        return opened[-1]

    yield start
    for desk in opened:
        desk.close()


@pytest.fixture
def start_lying() -> Iterator[Callable[..., Liar]]:
    """Start endpoints that lie about a node as told, `method=lie`."""
    liars: list[Liar] = []

    def start(node_url: str, **lies: object) -> Liar:
        liars.append(Liar(node_url, **lies))  # type: ignore[arg-type]  # lies by method
        return liars[-1]

    yield start
    for liar in liars:
        liar.close()
