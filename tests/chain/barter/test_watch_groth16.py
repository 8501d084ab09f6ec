"""A market whose proof is computed elsewhere: asked for, made by the real prover, verified twice, posted, enacted."""

from collections.abc import Iterator

import pytest

from functions.barter.core.job import Mode
from functions.barter.core.job import State as JobState
from functions.barter.core.journal import SealKind, journal_of
from functions.barter.core.watch import State
from gpu.exchange.formats_zkey import verification_key_of
from infra.local.anvil import AnvilNode
from infra.local.barter.verifier import deploy_verifier
from infra.local.barter.world import Phase, Terms
from infra.local.flare.contracts import Contract
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]

LOOK, PROVE = "barter.advance_phase", "barter.prove"
SIZE, LIST_MAX = 16, 16


@pytest.fixture(scope="session")
def verifier(moving_node: AnvilNode, proving_key: bytes) -> Iterator[Contract]:
    """The verifier of the development key, on this chain."""
    yield deploy_verifier(moving_node, verification_key_of(proving_key), agents=SIZE, list_max=LIST_MAX)


@pytest.fixture
def shop(open_shop: OpenShop, verifier: Contract) -> Shop:
    """The published market before the verifier, in Trade; a proof is asked for."""
    terms = Terms(agents_max=SIZE, list_max=LIST_MAX, verifier=verifier.address)
    shop = open_shop(len(LISTS), terms, mode="groth16")
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK, PROVE)
    return shop


def test_a_market_is_traded_by_a_proof_that_was_computed_elsewhere(shop: Shop) -> None:
    """The prover crashed once: its job was begun again. Nobody posts before a second verifier has passed the proof."""
    before = [token.owner.address.lower() for token in shop.world.tokens]
    shop.change("update kernel.offload_jobs set state = 'failed', reason = 'it crashed', ended_at = recorded_at")
    shop.compute()  # which finds it ended, and tells nobody
    shop.clock.advance(120)
    shop.minute()
    shop.work()
    shop.clock.advance(10)
    shop.work()
    asked = shop.seen().job
    assert asked is not None
    computed = shop.compute()
    shop.work(PROVE)
    proven = shop.seen().job
    shop.live_to(Phase.WITHDRAW)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    after = shop.world.owners
    assert proven is not None
    assert proven.seal is not None
    assert (JobState.IN_PROGRESS, 2, 1) == (asked.state, asked.attempts, computed)
    assert (JobState.COMPLETED, Mode.GROTH16, journal_of(ALLOCATION)) == (proven.state, proven.mode, proven.journal)
    assert (SealKind.GROTH16, 1 + 9 * 32) == (proven.seal[0], len(proven.seal))
    assert [after[item] for item in ALLOCATION] == before
    assert [("trades", "confirmed")] == [(call.purpose, call.state) for call in shop.seen().calls]
