"""The stands of the cursors' tests."""

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from tests.chain.cursors.stand import Stand


@pytest.fixture
def stand(anvil: AnvilNode, database_url: str) -> Stand:
    """A watch on a chain that mines each transaction at once."""
    return Stand(anvil, database_url)


@pytest.fixture
def faulty_stand(anvil: AnvilNode, fault_proxy: FaultProxy, database_url: str) -> Stand:
    """The same behind two RPC identities whose faults `fault_proxy` switches."""
    return Stand(anvil, database_url, fault_proxy.urls)
