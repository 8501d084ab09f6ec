"""The desk at which the victims of the Solana outbox die."""

from collections.abc import Callable

import pytest

from infra.local.solana import SolanaNode
from tests.chain.outbox_solana.desk import Desk


@pytest.fixture
def desk(start_solana: Callable[..., SolanaNode], database_url: str) -> Desk:
    """A funded payer at a chain whose blocks come on demand."""
    node = start_solana(paused=True)
    return Desk(node, database_url, (node.url,))
