"""queue_exchange_events: what a cursor or a webhook tells of a phase is a hint; the exchange itself is looked at."""

from dataclasses import replace

import pytest

from functions.barter.adapters.steps import EVENTS
from functions.barter.core.exchange import PHASE_CHANGED
from functions.barter.core.watch import State
from functions.barter.queue_exchange_events import handler
from infra.local.barter.world import Phase
from kernel.abi import uint_word
from kernel.chain_events import Delivery, EvmEvent
from kernel.tasks import TaskSpec
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import HANDLERS, Shop

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK = "barter.advance_phase"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """An exchange for two, in Deposit; it was looked at once."""
    shop = open_shop(2)
    shop.watch()
    shop.work(LOOK)
    return shop


def told(shop: Shop, phase: Phase, *, address: str = "", blocks_ahead: int = 0) -> EvmEvent:
    """An event that says that an exchange entered a phase."""
    return EvmEvent(
        chain_id=shop.node.chain_id,
        block_number=shop.node.block_number() + blocks_ahead,
        block_hash=b"\7" * 32,
        transaction_hash=b"\6" * 32,
        log_index=0,
        address=address or shop.world.exchange.address,
        topics=(PHASE_CHANGED,),
        data=uint_word(phase),
    )


def tell(shop: Shop, event: EvmEvent) -> None:
    """As a webhook does."""
    payload = Delivery(watch="barter.exchanges", sequence=0, event=event).to_json()
    shop.ask(TaskSpec(kind=EVENTS, business_key=event.identity, payload=payload, run_at=shop.clock.now()))
    shop.work(EVENTS)


def test_a_phase_that_is_told_is_seen_at_once(shop: Shop) -> None:
    """Without waiting for the next look, which is not planned a second time for that."""
    shop.world.advance(Phase.TRADE)
    tell(shop, told(shop, Phase.TRADE))
    seen = shop.seen()

    assert HANDLERS[EVENTS] is handler
    assert (State.READY, Phase.TRADE) == (seen.watch.state, Phase(seen.facts.phase if seen.facts else -1))
    assert seen.job is not None


def test_a_lie_about_a_phase_changes_nothing(shop: Shop) -> None:
    """Whoever tells it: the exchange says where it is."""
    before = shop.history()
    tell(shop, told(shop, Phase.TRADE))

    assert State.WATCHING == shop.seen().watch.state
    assert before == shop.history()


def test_an_event_of_somebody_elses_contract_is_nothing(shop: Shop) -> None:
    """Its address is followed by nobody here."""
    tell(shop, told(shop, Phase.TRADE, address=shop.world.tokens[0].collection.address))

    assert [("skipped", "nobody watches it")] == shop.outcomes(EVENTS)


def test_a_block_that_is_to_come_is_waited_for(shop: Shop) -> None:
    """The webhook was quicker than the endpoints; but not for ever."""
    tell(shop, told(shop, Phase.RANK, blocks_ahead=3))
    waiting = shop.outcomes(EVENTS)
    shop.mine(3)
    shop.clock.advance(2)
    shop.work(EVENTS)

    assert [("ready", "the chain has not come so far")] == waiting
    assert [("done", None)] == shop.outcomes(EVENTS)


def test_a_retraction_is_a_reason_to_look_as_well(shop: Shop) -> None:
    """The cursor tells that a block is gone."""
    shop.world.advance(Phase.TRADE)
    event = told(shop, Phase.TRADE)
    tell(shop, event)
    shop.node.rpc("anvil_reorg", 1, [])
    tell(shop, replace(event, removed=True))

    assert State.WATCHING == shop.seen().watch.state
    assert ("watch", "return") in shop.history()
