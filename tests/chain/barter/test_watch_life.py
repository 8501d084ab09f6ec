"""A market that nobody looks after but us: from the watch on, phases, proof, posting and the end come by themselves."""

import pytest

from functions.barter.core.job import Mode
from functions.barter.core.job import State as JobState
from functions.barter.core.watch import State
from infra.local.barter.world import Phase
from kernel.treasury.reconciliation import Balanced
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]


def test_a_market_runs_from_its_watch_to_its_trades(open_shop: OpenShop) -> None:
    """Both phases end when their time is over, the certificate is posted, and everybody holds what they should."""
    shop = open_shop(len(LISTS))
    before = [token.owner.address.lower() for token in shop.world.tokens]
    shop.proven(LISTS)
    shop.live_to(Phase.WITHDRAW)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    after = shop.world.owners
    seen = shop.seen()
    assert [after[item] for item in ALLOCATION] == before
    assert seen.job is not None
    assert (seen.job.state, seen.job.mode, seen.job.attempts) == (JobState.COMPLETED, Mode.DIRECT, 1)
    assert [(call.purpose, call.state) for call in seen.calls] == [
        ("advance", "confirmed"),
        ("advance", "confirmed"),
        ("trades", "confirmed"),
    ]
    assert isinstance(shop.check(), Balanced)
