"""cron_follow_watches: every event of every exchange that is followed, once; and no look is lost for ever."""

import pytest

from functions.barter.adapters.indexing import NAME
from functions.barter.core.watch import State
from infra.local.barter.world import Phase, deploy_world
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, EVENTS = "barter.advance_phase", "barter.exchange_events"
DECLARED = "select addresses from kernel.watched_contracts where watch = %(watch)s"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """An exchange for two, in Deposit; it was looked at once."""
    shop = open_shop(2)
    shop.watch()
    shop.work(LOOK)
    return shop


def follow(shop: Shop) -> int:
    """A turn of the schedule; how many events it told."""
    before = len(shop.outcomes(EVENTS))
    assert {"status": "done"} == shop.tick("cron_follow_watches")
    return len(shop.outcomes(EVENTS)) - before


def test_each_phase_is_told_once(shop: Shop) -> None:
    """However often the schedule comes, and however many blocks lie between."""
    follow(shop)
    shop.world.advance(Phase.TRADE)
    shop.mine(20)
    told = [follow(shop) for _ in range(3)]
    shop.work(EVENTS)

    assert [2, 0, 0] == told
    assert State.READY == shop.seen().watch.state


def test_one_cursor_reads_all_exchanges(shop: Shop) -> None:
    """Also one that is followed since a moment ago; webhooks may tell of the same, and of no others."""
    follow(shop)
    with deploy_world(shop.node, agents=2, terms=shop.terms, name="another shop") as other:
        shop.watch(other)
        shop.work(LOOK)
        follow(shop)
        other.advance(Phase.RANK)
        shop.world.advance(Phase.RANK)
        told = follow(shop)
        shop.work(EVENTS)
        phases = [shop.seen(world).facts for world in (shop.world, other)]
        addresses = {shop.world.exchange.address, other.exchange.address}

    assert 2 == told
    assert [Phase.RANK, Phase.RANK] == [Phase(facts.phase) for facts in phases if facts is not None]
    assert [addresses] == [set(row["addresses"]) for row in shop.rows(DECLARED, watch=NAME)]


def test_an_exchange_that_is_over_is_not_read_any_more(shop: Shop) -> None:
    """Nor may webhooks tell of it."""
    follow(shop)
    shop.change("update barter.watches set state = 'over'")
    shop.world.advance(Phase.RANK)

    assert 0 == follow(shop)
    assert [] == shop.rows(DECLARED, watch=NAME)


def test_a_look_whose_task_was_lost_is_asked_for_anew(shop: Shop) -> None:
    """Whatever became of it: parked, dropped, or removed by hand."""
    shop.change("update kernel.tasks set state = 'parked', finished_at = now() where state = 'ready'")
    shop.world.advance(Phase.TRADE)
    shop.clock.advance(600)
    follow(shop)
    shop.work(LOOK)

    assert State.READY == shop.seen().watch.state


def test_endpoints_that_are_away_cost_a_turn(shop: Shop) -> None:
    """The next one makes up for it."""
    shop.restart(rpc_urls="plain:http://127.0.0.1:9 http://127.0.0.1:10")
    answer = shop.tick("cron_follow_watches")
    shop.restart()

    assert "given_up" == answer["status"]
    assert 0 == follow(shop)
