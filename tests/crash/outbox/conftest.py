"""The desk at which the victims of the outbox die."""

import pytest

from infra.local.anvil import AnvilNode
from tests.chain.outbox.desk import Desk


@pytest.fixture
def desk(anvil: AnvilNode, database_url: str) -> Desk:
    """A funded signer at a chain that mines each transaction at once."""
    return Desk(anvil, database_url, (anvil.url,))
