"""What the tests of Solana share: a paused chain under two RPC identities, a pool over them, a funded signer."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.solana import SolanaNode
from kernel.keys.solana import SEED_SIZE_BYTES, LocalSolanaSigner
from kernel.solana.pool import SolanaPool


@pytest.fixture
def chain(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A chain that makes blocks only when told to, reachable under two RPC identities."""
    return start_solana(paused=True, proxied=True)


@pytest.fixture
def payer(chain: SolanaNode) -> LocalSolanaSigner:
    """The owner of the genesis' lamports."""
    return LocalSolanaSigner(chain.payer_secret[:SEED_SIZE_BYTES])


@pytest.fixture
def pool(chain: SolanaNode) -> Iterator[SolanaPool]:
    """The two identities as a pool that compares them before every read."""
    pool = SolanaPool(chain.proxy_urls, "localnet", genesis_hash=chain.genesis_hash, survey_ttl_s=0.0)
    yield pool
    pool.close()
