"""The desk of the outbox's tests."""

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from tests.chain.outbox.desk import Desk


@pytest.fixture
def desk(anvil: AnvilNode, database_url: str) -> Desk:
    """A funded signer at a chain that mines each transaction at once."""
    return Desk(anvil, database_url, (anvil.url,))


@pytest.fixture
def faulty_desk(anvil: AnvilNode, fault_proxy: FaultProxy, database_url: str) -> Desk:
    """The same behind two RPC identities whose faults `fault_proxy` switches."""
    return Desk(anvil, database_url, fault_proxy.urls)
