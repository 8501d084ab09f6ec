"""Wallets of the ops slice on an EVM chain, and the intake of webhooks; a test file may have others of these names."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.anvil import AnvilNode
from tests.handlers.ops.postbox import PROGRAM_WATCH, WATCH, Postbox
from tests.handlers.ops.purse import Purse, evm_chain, fund


@pytest.fixture
def chain(anvil: AnvilNode) -> str:
    return f"evm:{anvil.chain_id}"


@pytest.fixture
def purse(anvil: AnvilNode, database_url: str) -> Iterator[Purse]:
    """The slice's money on that chain."""
    purse = Purse(database_url, (evm_chain(anvil),))
    yield purse
    purse.close()


@pytest.fixture
def opened(purse: Purse, anvil: AnvilNode, chain: str) -> Callable[..., str]:
    """A funded wallet whose books are open."""

    def make(ether: int = 10, *, floor: int = 0, target: int = 0, funded_by: str | None = None) -> str:
        address = purse.keep(chain)
        fund(anvil, address, ether)
        purse.declare(chain, address, floor=floor, target=target, funded_by=funded_by)
        purse.run()
        return address

    return make


@pytest.fixture
def postbox(database_url: str) -> Iterator[Postbox]:
    """The intake, with a contract and a program that are watched."""
    postbox = Postbox(database_url)
    postbox.watch(WATCH, PROGRAM_WATCH)
    yield postbox
    postbox.close()
