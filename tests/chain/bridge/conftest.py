"""Scenes of the bridge's chain tests."""

from collections.abc import Callable, Iterator

import pytest

from functions.bridge.core.registry import Version
from infra.local.bridge.world import World
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
def start_lying() -> Iterator[Callable[..., Liar]]:
    """Start endpoints that lie about a node as told, `method=lie`."""
    liars: list[Liar] = []

    def start(node_url: str, **lies: object) -> Liar:
        liars.append(Liar(node_url, **lies))  # type: ignore[arg-type]
        return liars[-1]

    yield start
    for liar in liars:
        liar.close()
