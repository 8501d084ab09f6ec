"""The desk of the Solana outbox's tests."""

from collections.abc import Callable

import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.solana import SolanaNode
from tests.chain.outbox_solana.desk import Desk


@pytest.fixture
def node(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A chain whose blocks come on demand."""
    return start_solana(paused=True)


@pytest.fixture
def desk(node: SolanaNode, database_url: str) -> Desk:
    """A funded payer at a chain whose blocks come on demand."""
    return Desk(node, database_url, (node.url,))


@pytest.fixture
def proxied_node(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """The same behind two RPC identities."""
    return start_solana(paused=True, proxied=True)


@pytest.fixture
def faults(proxied_node: SolanaNode) -> FaultProxy:
    """The faults of the two RPC identities of `faulty_desk`."""
    assert proxied_node.proxy is not None
    return proxied_node.proxy


@pytest.fixture
def faulty_desk(proxied_node: SolanaNode, database_url: str) -> Desk:
    """A desk behind two RPC identities."""
    return Desk(proxied_node, database_url, proxied_node.proxy_urls)
