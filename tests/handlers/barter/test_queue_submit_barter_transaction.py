"""queue_submit_barter_transaction: signed, sent and final once; its end is booked, and the exchange looked at."""

import pytest

from functions.barter.core.watch import State
from functions.barter.queue_submit_barter_transaction import handler
from infra.local.barter.world import Phase
from kernel.treasury.reconciliation import Balanced
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import HANDLERS, Shop
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, PROVE, POST = "barter.advance_phase", "barter.prove", "barter.post_trades"
SUBMIT = "barter.submit_barter_transaction"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The published market, in Trade; the posting of its trades is recorded."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK, PROVE, POST)
    return shop


def settle(shop: Shop) -> None:
    """Let the transaction be signed, mined and final."""
    for _ in range(6):
        shop.work(SUBMIT)
        shop.mine()
        shop.clock.advance(15)


def test_the_trades_are_enacted_and_their_fee_booked(shop: Shop) -> None:
    """The end of the transaction, the books and the next look are one commit."""
    settle(shop)
    [call] = shop.seen().calls
    [transfer] = shop.rows("select state, fee, transaction_id from kernel.treasury_transfers")
    planned = shop.due(LOOK)
    shop.work(LOOK)

    assert HANDLERS[SUBMIT] is handler
    assert call.transaction_hash is not None
    assert ("confirmed", "0x" + call.transaction_hash.hex()) == (transfer["state"], transfer["transaction_id"])
    assert Phase.WITHDRAW == shop.world.phase
    assert planned != []
    assert State.OVER == shop.seen().watch.state
    assert isinstance(shop.check(), Balanced)
    assert ["trades_confirmed"] == [body["event"] for topic, body in shop.told() if topic == "barter"][-2:-1]


def test_a_posting_that_fails_is_made_again(shop: Shop) -> None:
    """A status of 0 is a failure: its fee is booked, and the next look asks for another one."""
    shop.work(SUBMIT)
    code = shop.node.rpc("eth_getCode", shop.world.exchange.address, "latest")
    shop.node.rpc("anvil_setCode", shop.world.exchange.address, "0xfe")  # whatever is called burns its gas
    shop.mine()
    shop.node.rpc("anvil_setCode", shop.world.exchange.address, code)
    settle(shop)
    failed = [(call.state, call.reason) for call in shop.seen().calls]
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert [("failed", "reverted")] == failed
    assert ["failed", "confirmed"] == [call.state for call in shop.seen().calls]
    assert isinstance(shop.check(), Balanced)


def test_a_posting_that_nobody_wants_any_more_is_not_signed(shop: Shop) -> None:
    """It waited, and the phase was ended meanwhile."""
    job = shop.seen().job
    assert job is not None
    assert job.journal is not None
    assert job.seal is not None
    shop.world.reallocate(job.journal, job.seal)
    shop.clock.advance(6)
    settle(shop)

    assert [("cancelled", "phase_ended")] == [(call.state, call.reason) for call in shop.seen().calls]
    assert isinstance(shop.check(), Balanced)


def test_a_posting_of_a_void_proof_is_not_signed(shop: Shop) -> None:
    """Its Trade was taken back before anything of it was signed."""
    shop.change("update barter.jobs set state = 'void', journal = null, seal = null, completed_at = null")
    shop.clock.advance(6)
    settle(shop)

    assert [("cancelled", "proof_void")] == [(call.state, call.reason) for call in shop.seen().calls]
