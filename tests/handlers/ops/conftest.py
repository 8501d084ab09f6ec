"""Wallets of the ops slice on an EVM chain, and the intake of webhooks; a test file may have others of these names."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from tests.handlers.ops.postbox import PROGRAM_WATCH, WATCH, Postbox
from tests.handlers.ops.purse import LOCALNET, Purse, evm_chain, fund


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
def paused_solana(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A cluster whose blocks come on demand."""
    return start_solana(paused=True)


@pytest.fixture
def solana_purse(paused_solana: SolanaNode, database_url: str) -> Iterator[Purse]:
    """The slice's money on that cluster."""
    urls = f"plain:{paused_solana.url}"
    settings: dict[str, Any] = {"chain": LOCALNET, "rpc_urls": urls, "price_floor": 100, "poll_s": 1}
    purse = Purse(database_url, (settings,))
    yield purse
    purse.close()


@pytest.fixture
def opened_on_solana(solana_purse: Purse, paused_solana: SolanaNode) -> Callable[[], str]:
    """A wallet of ten SOL whose books are open."""

    def make() -> str:
        address = solana_purse.keep(LOCALNET)
        paused_solana.fund(address, 10 * LAMPORTS_PER_SOL)
        paused_solana.finalize()
        solana_purse.declare(LOCALNET, address)
        solana_purse.run()
        return address

    return make


@pytest.fixture
def postbox(database_url: str) -> Iterator[Postbox]:
    """The intake, with a contract and a program that are watched."""
    postbox = Postbox(database_url)
    postbox.watch(WATCH, PROGRAM_WATCH)
    yield postbox
    postbox.close()
