"""One chain for the tests of the Flare contracts, set back after each, and a network on it."""

from collections.abc import Callable, Iterator

import pytest

from infra.local import anvil
from infra.local.anvil import AnvilNode
from infra.local.children import Children
from infra.local.flare.network import FlareNetwork, deploy_network
from tests.chain.flare.ledger import Ledger


@pytest.fixture(scope="session")
def flare_node(children: Children) -> Iterator[AnvilNode]:
    """A chain that only the tests of the Flare contracts use."""
    node = anvil.start(children, name="flare-contracts")
    yield node
    children.forget(node.child)


@pytest.fixture
def fresh_node(flare_node: AnvilNode) -> Iterator[AnvilNode]:
    """The chain, empty at the start of the test; its time stands still but where the test moves it."""
    flare_node.rpc("anvil_reset")
    flare_node.rpc("anvil_setBlockTimestampInterval", 0)
    yield flare_node


@pytest.fixture
def deploy(fresh_node: AnvilNode) -> Callable[..., FlareNetwork]:
    """Deploy a network with options of one's own; it mines every transaction at once."""

    def deploy(**options: object) -> FlareNetwork:
        return deploy_network(fresh_node.url, block_time_s=None, **options)  # type: ignore[arg-type]  # options by name

    return deploy


@pytest.fixture
def network(deploy: Callable[..., FlareNetwork]) -> FlareNetwork:
    """Four voters of equal weight; any three are more than the threshold, two are exactly as much."""
    return deploy()


@pytest.fixture
def ledger(network: FlareNetwork) -> Iterator[Ledger]:
    """Transactions and time on the chain of `network`."""
    with Ledger(network) as ledger:
        yield ledger
