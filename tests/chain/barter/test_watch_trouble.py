"""What a chain and strangers may do to a market that is followed: forks, other people's transactions, lies, halts."""

import pytest

from functions.barter.adapters.exchanges import NotAnExchange
from functions.barter.core.job import State as JobState
from functions.barter.core.watch import State, Trade
from infra.local.barter.world import Phase
from kernel.treasury.reconciliation import Balanced
from kernel.treasury.switch import KillSwitch
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]

LOOK, EVENTS, PROVE, POST = "barter.advance_phase", "barter.exchange_events", "barter.prove", "barter.post_trades"
SUBMIT = "barter.submit_barter_transaction"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The published market, in Trade, watched and looked at; nothing is proven."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK)
    return shop


def jobs(shop: Shop) -> list[str]:
    """The states of all jobs, oldest first."""
    return [row["state"] for row in shop.rows("select state from barter.jobs order by created_at, id")]


def fork(shop: Shop, blocks: int = 1) -> None:
    """The newest blocks are taken back, and others come in their place, without what was in them."""
    shop.node.rpc("anvil_reorg", blocks, [])


def enter_trade(shop: Shop) -> None:
    """Somebody whose nonces no fork has touched ends the phase before."""
    shop.world.pass_time()
    shop.world.send(shop.world.tokens[0].owner, "advancePhase")


def test_a_trade_that_is_taken_back_voids_its_proof(shop: Shop) -> None:
    """The watch waits again; when Trade begins anew, another proof is made, and that one is posted."""
    shop.restart(advances_phases=False)
    shop.work(PROVE)
    fork(shop)
    shop.clock.advance(60)
    shop.work(LOOK)
    meanwhile, states = shop.seen(), jobs(shop)
    enter_trade(shop)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert (State.WATCHING, None) == (meanwhile.watch.state, meanwhile.job)
    assert ["void"] == states
    assert ["void", "completed"] == jobs(shop)
    assert [("trades", "confirmed")] == [(call.purpose, call.state) for call in shop.seen().calls]


def test_a_trade_that_begins_in_another_block_is_another_trade(shop: Shop) -> None:
    """Nobody looked while it was gone: the job of the block before is void all the same."""
    shop.restart(advances_phases=False, posts_trades=False)
    shop.work(PROVE)
    before = shop.seen().job
    fork(shop)
    enter_trade(shop)
    shop.clock.advance(60)
    shop.work(LOOK, PROVE)
    after = shop.seen().job

    assert ["void", "completed"] == jobs(shop)
    assert before is not None
    assert after is not None
    assert before.trade.block < after.trade.block
    assert ("watch", "restart") in shop.history()


def test_a_proof_that_was_void_is_owed_again_when_its_block_returns(shop: Shop) -> None:
    """Nodes may tell two forks in turn: each Trade has one job, and only one of them is wanted at a time."""
    first = shop.seen().job
    assert first is not None
    other = Trade(first.trade.block, bytes(32))
    with shop.deps.kernel.postgres.transaction() as tx:
        watch = shop.deps.watches.hold(tx, shop.world.exchange.address)
        second = shop.deps.jobs.owe(tx, watch, other)
        wanted = shop.deps.jobs.of(tx, watch.address)
        again = shop.deps.jobs.owe(tx, watch, first.trade)
    shop.work(PROVE)

    assert wanted is not None
    assert second.id == wanted.id != first.id
    assert (first.id, JobState.CREATED) == (again.id, again.state)
    assert ["completed", "void"] == jobs(shop)


def test_somebody_else_may_post_our_proof(shop: Shop) -> None:
    """Ours is recorded then and not signed: it is not wanted any more, and its nonce goes to nothing."""
    shop.work(PROVE, POST)
    job = shop.seen().job
    assert job is not None
    assert job.journal is not None
    assert job.seal is not None
    shop.world.reallocate(job.journal, job.seal, sender=shop.world.tokens[1].owner)
    shop.clock.advance(10)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert [("trades", "cancelled", "phase_ended")] == [
        (call.purpose, call.state, call.reason) for call in shop.seen().calls
    ]
    assert isinstance(shop.check(), Balanced)


def test_a_halted_service_follows_and_sends_nothing(shop: Shop) -> None:
    """What is proven stays so, and is posted once the halt is over."""
    switch = KillSwitch(shop.office, shop.clock)
    switch.halt("barter", "a test", "a halt")
    shop.work(PROVE, POST)
    shop.end_phase()
    for _ in range(3):
        shop.clock.advance(60)
        shop.minute()
        shop.work()
    halted = shop.seen()
    switch.resume("barter", "a test", "it is over")
    shop.live_to(Phase.WITHDRAW)

    assert halted.job is not None
    assert (JobState.COMPLETED, ()) == (halted.job.state, halted.calls)
    assert ["trades"] == [call.purpose for call in shop.seen().calls]


def test_a_settler_without_ether_follows_and_proves(shop: Shop) -> None:
    """The treasury refuses what it has no money for; nothing else stands still because of that."""
    shop.restart(fee_cap_wei=10**15)
    shop.work(PROVE, POST)
    shop.mine(251)
    shop.clock.advance(60)
    shop.work(LOOK)

    seen = shop.seen()
    assert seen.job is not None
    assert (JobState.COMPLETED, State.TIMED_OUT, ()) == (seen.job.state, seen.watch.state, seen.calls)
    assert [("ready", "overdrawn")] == shop.outcomes(POST)


def test_what_is_no_exchange_is_not_watched(shop: Shop) -> None:
    """An account, a collection of tokens, and an address where nothing is."""
    collection = shop.world.tokens[0].collection.address

    for address in (shop.settler.address, collection, "0x" + "ab" * 20):
        with pytest.raises(NotAnExchange):
            shop.deps.watching.begin(address, by_operator=True)
    assert 1 == len(shop.rows("select from barter.watches"))


def test_an_exchange_that_vanishes_is_looked_for(open_shop: OpenShop) -> None:
    """A fork took its deployment back: the watch says so, and goes on when it is there again."""
    shop = open_shop(2)
    shop.watch()
    shop.work(LOOK)
    code = shop.node.rpc("eth_getCode", shop.world.exchange.address, "latest")
    shop.node.rpc("anvil_setCode", shop.world.exchange.address, "0x")
    shop.mine()
    shop.clock.advance(300)
    shop.work(LOOK)
    gone = shop.seen().watch
    shop.node.rpc("anvil_setCode", shop.world.exchange.address, code)
    shop.mine()
    shop.clock.advance(60)
    shop.work(LOOK)

    assert (State.WATCHING, "not_an_exchange") == (gone.state, gone.reason)
    assert shop.seen().watch.reason is None


def test_a_proof_that_is_ready_late_is_posted_all_the_same(shop: Shop) -> None:
    """The exchange still takes it after its 250 blocks, until somebody ends the phase: we do not."""
    shop.work(PROVE)
    shop.mine(251)
    shop.clock.advance(60)
    shop.minute()
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert [("trades", "confirmed")] == [(call.purpose, call.state) for call in shop.seen().calls]
    assert ("watch", "time_out") in shop.history()


def test_postings_that_fail_again_and_again_end_in_the_time_out(shop: Shop) -> None:
    """After three of them the phase is ended instead, once its blocks are over, and everybody keeps their own."""
    shop.restart(posts_trades=False)
    shop.work(PROVE)
    owners = shop.world.owners
    shop.change(
        "insert into barter.calls (transfer, chain_id, address, purpose, number, phase, job_id, state, recorded_at,"
        " ended_at) select 'test:' || n, chain_id, address, 'trades', n, 2, id, 'failed', now(), now()"
        " from barter.jobs, generate_series(1, 3) n"
    )
    shop.restart()
    shop.mine(251)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    calls = [(call.purpose, call.state) for call in shop.seen().calls]
    assert [("trades", "failed")] * 3 + [("time_out", "confirmed")] == calls
    assert owners == shop.world.owners


@pytest.mark.parametrize(
    ("reason", "purpose"), [("trade_gone", "trades"), ("phase_ended", "trades"), ("unacceptable", "time_out")]
)
def test_what_we_took_back_ourselves_is_no_failure_and_what_no_node_takes_is(
    shop: Shop, reason: str, purpose: str
) -> None:
    """The chain went back and forth three times: trades are posted all the same. What is refused so often is not."""
    shop.restart(posts_trades=False)
    shop.work(PROVE)
    shop.change(
        "insert into barter.calls (transfer, chain_id, address, purpose, number, phase, job_id, state, reason,"
        " recorded_at, ended_at) select 'test:' || n, chain_id, address, 'trades', n, 2, id, 'cancelled', %(reason)s,"
        " now(), now() from barter.jobs, generate_series(1, 3) n",
        reason=reason,
    )
    shop.restart()
    shop.mine(251)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    calls = [(call.purpose, call.state) for call in shop.seen().calls]
    assert [("trades", "cancelled")] * 3 + [(purpose, "confirmed")] == calls
