"""cron_timeouts: an exchange whose proof has had strictly more than 250 blocks is looked at within the minute."""

import pytest

from functions.barter.core.watch import State
from infra.local.barter.world import Phase
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, SUBMIT = "barter.advance_phase", "barter.submit_barter_transaction"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The published market, in Trade; nobody proves it."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK)
    return shop


def late(shop: Shop) -> int:
    """A turn of the schedule; how many looks it asked for."""
    before = len(shop.due(LOOK))
    assert {"status": "done"} == shop.tick("cron_timeouts")
    return len(shop.due(LOOK)) - before


def test_a_proof_is_late_after_250_blocks(shop: Shop) -> None:
    """With the 250th it is not, with the next it is; everybody keeps what they brought, and nobody is told twice."""
    owners = shop.world.owners
    shop.mine(250)
    early = late(shop)
    shop.mine()
    found = late(shop)
    shop.work(LOOK)
    again = late(shop)
    for _ in range(6):
        shop.work(SUBMIT)
        shop.mine()
        shop.clock.advance(15)

    assert (0, 1, 0) == (early, found, again)
    assert State.TIMED_OUT == shop.seen().watch.state
    assert (Phase.WITHDRAW, owners) == (shop.world.phase, shop.world.owners)
    told = [body["event"] for topic, body in shop.told() if topic == "barter"]
    assert 1 == told.count("watch_time_out")


def test_a_market_that_waits_for_nothing_is_left_alone(open_shop: OpenShop) -> None:
    """In Deposit no block counts."""
    shop = open_shop(2)
    shop.watch()
    shop.work(LOOK)
    shop.mine(300)

    assert 0 == late(shop)


def test_a_hopeless_proof_calls_somebody(shop: Shop) -> None:
    """The alarm counts exchanges in Trade whose proof nobody tries any more."""
    none = shop.deps.following.needing_people()
    shop.change("update barter.jobs set state = 'errored', error = 'a test', attempts = 5")

    assert (0, 1) == (none, shop.deps.following.needing_people())
    assert {"status": "done"} == shop.tick("cron_timeouts")
