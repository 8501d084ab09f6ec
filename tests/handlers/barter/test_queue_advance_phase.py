"""queue_advance_phase: one look at one exchange; what is due is asked for, and its phase is ended once it may be."""

import pytest

from functions.barter.adapters.steps import look
from functions.barter.core.exchange import ADVANCE_PHASE
from functions.barter.core.watch import State
from functions.barter.queue_advance_phase import handler
from infra.local.barter.world import Phase
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import HANDLERS, Shop

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, SUBMIT = "barter.advance_phase", "barter.submit_barter_transaction"
CALLS = "select purpose, state, number, phase from barter.calls order by number"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """An exchange for two, in Deposit; it was looked at once."""
    shop = open_shop(2)
    shop.watch()
    shop.work(LOOK)
    return shop


def test_a_phase_is_ended_once_its_time_is_over(shop: Shop) -> None:
    """Not before; by one transaction, of nothing but advancePhase, for which the largest possible fee is set aside."""
    shop.clock.advance(300)
    shop.work(LOOK)
    early = shop.rows(CALLS)
    shop.end_phase()
    shop.clock.advance(300)
    shop.work(LOOK)
    [entry] = shop.rows("select * from kernel.evm_outbox")

    assert HANDLERS[LOOK] is handler
    assert [] == early
    assert [{"purpose": "advance", "state": "open", "number": 1, "phase": Phase.DEPOSIT}] == shop.rows(CALLS)
    assert (ADVANCE_PHASE, 0) == (bytes(entry["calldata"]), entry["value_wei"])
    assert shop.world.exchange.address == entry["recipient"]


def test_one_transaction_at_a_time_is_on_its_way(shop: Shop) -> None:
    """Whoever looks again while it is, however often, sends no other."""
    shop.end_phase()
    for _ in range(3):
        shop.clock.advance(300)
        shop.work(LOOK)

    assert 1 == len(shop.rows(CALLS))


def test_nobody_else_is_paid_for(shop: Shop) -> None:
    """Where others end phases, we do not."""
    shop.restart(advances_phases=False)
    shop.end_phase()
    shop.clock.advance(300)
    shop.work(LOOK)

    assert [] == shop.rows(CALLS)


def test_the_next_look_comes_when_the_phase_ends(shop: Shop) -> None:
    """And five minutes later at the latest; only the newest planned look plans another."""
    watch = shop.seen().watch
    facts = shop.seen().facts
    shop.ask(look(watch.chain_id, watch.address, 1, shop.clock.now()))
    shop.work(LOOK)

    assert facts is not None
    assert facts.phase_ends_at == watch.next_look_at
    assert watch == shop.seen().watch


def test_a_look_at_an_exchange_that_is_over_is_none(shop: Shop) -> None:
    """Nothing follows from there."""
    shop.change("update barter.watches set state = 'over'")
    shop.clock.advance(300)
    shop.work(LOOK)

    assert ("skipped", "its watch is over") == shop.outcomes(LOOK)[-1]
    assert State.OVER == shop.seen().watch.state


def test_what_was_seen_of_an_earlier_block_changes_nothing(shop: Shop) -> None:
    """A look that was overtaken by another."""
    shop.change("update barter.contracts set block_number = block_number + 1000, agents = 2")
    shop.clock.advance(300)
    shop.work(LOOK)

    facts = shop.seen().facts
    assert facts is not None
    assert 2 == facts.agents
