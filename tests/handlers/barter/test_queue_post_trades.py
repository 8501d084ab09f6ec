"""queue_post_trades: the exchange is looked at once more, and the posting is recorded in one commit, once."""

import pytest

from functions.barter.adapters.exchanges import Exchanges
from functions.barter.adapters.posting import Postable
from functions.barter.adapters.steps import PostStep, post
from functions.barter.core.exchange import trades_call
from functions.barter.queue_post_trades import handler
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import HANDLERS, Shop
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, PROVE, POST = "barter.advance_phase", "barter.prove", "barter.post_trades"


class Dear(Exchanges):
    """The trades take nearly all the gas that one transaction may have."""

    def gas(self, *_: object, **__: object) -> int | None:
        """As endpoints estimate it."""
        return 15_000_000


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The published market, in Trade; its proof is made, and its posting asked for."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK, PROVE)
    return shop


def ask_again(shop: Shop) -> None:
    """A second task for the same posting."""
    job = shop.seen().job
    assert job is not None
    shop.ask(post(job.chain_id, job.address, job.id, 99, shop.clock.now()))


def test_a_posting_is_a_call_of_the_settlers_wallet(shop: Shop) -> None:
    """What the exchange takes, with a quarter more gas than the chain asks for; its fee is set aside."""
    shop.work(POST)
    job = shop.seen().job
    [call] = shop.seen().calls
    [entry] = shop.rows("select calldata, value_wei, gas_limit, state from kernel.evm_outbox")
    [transfer] = shop.rows("select key, kind, amount, reserve from kernel.treasury_transfers")

    assert HANDLERS[POST] is handler
    assert job is not None
    assert job.journal is not None
    assert job.seal is not None
    assert (call.transfer, "call", 0) == (transfer["key"], transfer["kind"], transfer["amount"])
    assert (trades_call(job.journal, job.seal), 0) == (bytes(entry["calldata"]), entry["value_wei"])
    assert entry["gas_limit"] * shop.settings.fee_cap_wei == transfer["reserve"]
    assert 150_000 < entry["gas_limit"] < 400_000


def test_trades_are_posted_once_whoever_asks_how_often(shop: Shop) -> None:
    """The second task finds the transaction on its way."""
    shop.work(POST)
    ask_again(shop)
    shop.work(POST)

    assert ("skipped", "a transaction is on its way to the exchange") == shop.outcomes(POST)[-1]
    assert 1 == len(shop.rows("select from barter.calls"))


def test_what_the_exchange_does_not_wait_for_is_not_posted(shop: Shop) -> None:
    """Somebody else has posted it."""
    job = shop.seen().job
    assert job is not None
    assert job.journal is not None
    assert job.seal is not None
    shop.world.reallocate(job.journal, job.seal)
    shop.work(POST)

    assert [("skipped", "the exchange does not wait for it")] == shop.outcomes(POST)
    assert [] == shop.rows("select from barter.calls")


def test_what_would_revert_is_not_paid_for(shop: Shop) -> None:
    """Its storage was lost, as by a restore of the wrong backup: a person is called."""
    shop.change("update barter.jobs set seal = decode('00', 'hex')")
    shop.work(POST)

    assert [("skipped", "it reverts")] == shop.outcomes(POST)
    assert [] == shop.rows("select from barter.calls")


def test_an_exchange_that_asks_for_too_much_gas_is_left_to_others(shop: Shop) -> None:
    """Anybody can deploy one."""
    shop.restart(gas_max=100_000)
    shop.work(POST)

    assert [("skipped", "it takes more gas than one transaction may")] == shop.outcomes(POST)


def test_no_transaction_names_more_gas_than_ethereum_takes(shop: Shop) -> None:
    """2^24 (EIP-7825): where the estimate is below, the headroom must not lift the limit above."""
    job = shop.seen().job
    assert job is not None
    vars(shop.deps)["exchanges"] = Dear(shop.deps.pool)
    found = shop.deps.posting.look(PostStep(job.id))

    assert isinstance(found, Postable)
    assert 16_777_216 == found.gas_limit


def test_the_wait_for_trades_that_nobody_can_post_is_ended(shop: Shop) -> None:
    """They are proven, and take more gas than a transaction may: after 250 blocks everybody keeps what they brought."""
    shop.restart(gas_max=100_000)
    shop.work(POST)
    shop.mine(251)
    shop.clock.advance(60)
    shop.work(LOOK)

    assert ["time_out"] == [call.purpose for call in shop.seen().calls]
