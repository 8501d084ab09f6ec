"""The cluster of the contests' money, and a deployment that pays there."""

from collections.abc import Iterator

import pytest

from infra.local import solana
from infra.local.children import Children
from infra.local.solana import SolanaNode
from tests.chain.contests.cashier import Cashier


@pytest.fixture(scope="session")
def cash_node(children: Children) -> Iterator[SolanaNode]:
    """A chain whose blocks come on demand; whoever uses it has names of the test's own."""
    node = solana.start(children, name="contests-cash", paused=True)
    yield node
    children.forget(node.child)


@pytest.fixture
def cashier(cash_node: SolanaNode, database_url: str, request: pytest.FixtureRequest) -> Iterator[Cashier]:
    """A deployment of this test's own."""
    cashier = Cashier(cash_node, database_url, (cash_node.url,), run=request.node.name)
    yield cashier
    cashier.close()
