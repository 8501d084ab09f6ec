"""The stands of the cursors' tests."""

from collections.abc import Callable, Iterator

import pytest

from infra.local import fault_proxy as fault_proxy_part
from infra.local.anvil import AnvilNode
from infra.local.children import Children
from infra.local.fault_proxy import FaultProxy
from infra.local.solana import SolanaNode
from tests.chain.cursors.bench import Bench
from tests.chain.cursors.stand import Stand


@pytest.fixture
def stand(anvil: AnvilNode, database_url: str) -> Stand:
    """A watch on a chain that mines each transaction at once."""
    return Stand(anvil, database_url)


@pytest.fixture
def faulty_stand(anvil: AnvilNode, fault_proxy: FaultProxy, database_url: str) -> Stand:
    """The same behind two RPC identities whose faults `fault_proxy` switches."""
    return Stand(anvil, database_url, fault_proxy.urls)


@pytest.fixture
def three(anvil: AnvilNode, children: Children) -> Iterator[FaultProxy]:
    """Three RPC identities in front of the chain of `anvil`."""
    proxy = fault_proxy_part.start(children, anvil.url, name="three", identities=("one", "two", "three"))
    yield proxy
    children.forget(proxy.child)


@pytest.fixture
def bench(start_solana: Callable[..., SolanaNode], database_url: str) -> Bench:
    """An address on a cluster whose blocks are made by hand."""
    return Bench(start_solana(paused=True), database_url)


@pytest.fixture
def faulty_bench(start_solana: Callable[..., SolanaNode], database_url: str) -> Bench:
    """The same, reachable under two RPC identities, too."""
    return Bench(start_solana(paused=True, proxied=True), database_url)
