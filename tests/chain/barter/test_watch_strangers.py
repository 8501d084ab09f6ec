"""Whose transactions we pay for: those of exchanges of ours, by their code, that an operator has asked for."""

from datetime import timedelta

import pytest

from functions.barter.adapters.exchanges import NotAnExchange
from functions.barter.adapters.watching import MarketTooLarge
from functions.barter.core.code import EXCHANGE, VERIFIER, fingerprint
from functions.barter.core.exchange import ENACTABLE_MAX, PHASE_CHANGED
from functions.barter.core.job import Choice, Mode
from functions.barter.core.job import State as JobState
from functions.barter.core.watch import State
from gpu.exchange.formats_zkey import verification_key_of
from infra.local.barter.verifier import deploy_verifier
from infra.local.barter.world import Phase, Terms, deploy, deploy_world
from kernel.abi import uint_word
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.blocks import octets
from kernel.tasks import TaskSpec
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]

LOOK, PROVE, POST = "barter.advance_phase", "barter.prove", "barter.post_trades"
EVENTS = "barter.exchange_events"
WEEK = timedelta(days=7).total_seconds()


def code_at(shop: Shop, address: str) -> bytes:
    """What is deployed there."""
    return octets(shop.node.rpc("eth_getCode", address, "latest"))


def test_our_contracts_are_known_by_their_code(open_shop: OpenShop, proving_key: bytes) -> None:
    """Whatever the terms that they are deployed with."""
    shops = [open_shop(2, terms) for terms in (Terms(), Terms(agents_max=9, list_max=3, deposit_fee_wei=7, rank_s=1))]
    verifiers = [
        deploy_verifier(shops[0].node, verification_key_of(proving_key), agents=agents, list_max=16)
        for agents in (16, 15)
    ]

    exchanges = [code_at(shop, shop.world.exchange.address) for shop in shops]
    assert exchanges[0] != exchanges[1]
    assert {EXCHANGE} == {fingerprint(code) for code in exchanges}
    assert {VERIFIER} == {fingerprint(code_at(shops[0], one.address)) for one in verifiers}


def test_nothing_is_sent_to_a_strangers_exchange(open_shop: OpenShop) -> None:
    """One byte of its code is another: it is followed and proven, and neither ended nor posted to."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    address = shop.world.exchange.address
    shop.node.rpc("anvil_setCode", address, "0x" + (code_at(shop, address) + b"\0").hex())
    shop.watch()
    shop.work()
    shop.mine(251)
    shop.clock.advance(60)
    shop.work(LOOK)

    seen = shop.seen()
    assert seen.job is not None
    assert (JobState.COMPLETED, ()) == (seen.job.state, seen.calls)
    assert ("skipped", "it is no exchange of ours") in shop.outcomes(POST)


def proven_for_a_stranger(shop: Shop) -> None:
    """The code is ours, and so might be the storage that somebody's own deployment began with: a market in Trade."""
    shop.world.ready(LISTS)
    shop.watch(by_operator=False)
    shop.work()


def test_a_strangers_watch_is_proven_and_never_paid_for(open_shop: OpenShop) -> None:
    """Neither are its trades posted, nor is its wait ended; the proof is there for whoever posts it."""
    shop = open_shop(len(LISTS))
    proven_for_a_stranger(shop)
    early = shop.seen()
    shop.mine(251)
    shop.clock.advance(60)
    shop.work(LOOK)

    assert early.job is not None
    assert (JobState.COMPLETED, State.READY, ()) == (early.job.state, early.watch.state, early.calls)
    assert [("skipped", "no operator has asked for it")] == shop.outcomes(POST)
    assert (State.TIMED_OUT, ()) == (shop.seen().watch.state, shop.seen().calls)


def test_a_strangers_phases_are_not_ended(open_shop: OpenShop) -> None:
    """Whoever likes ends them."""
    shop = open_shop(2)
    shop.watch(by_operator=False)
    shop.end_phase()
    shop.clock.advance(300)
    shop.work()

    assert (Phase.DEPOSIT, ()) == (shop.world.phase, shop.seen().calls)


def test_an_operators_later_request_has_a_strangers_watch_paid_for(open_shop: OpenShop) -> None:
    """From the next look on, whoever asks after that; what was proven is posted."""
    shop = open_shop(len(LISTS))
    proven_for_a_stranger(shop)
    shop.watch()
    shop.watch(by_operator=False)
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert [("trades", "confirmed")] == [(call.purpose, call.state) for call in shop.seen().calls]
    assert ("watch", "raise") in shop.history()


def test_a_strangers_watch_that_stands_still_ends(open_shop: OpenShop) -> None:
    """After seven days; one that moves does not, nor one that an operator asked for."""
    shop = open_shop(2)
    shop.watch()
    with (
        deploy_world(shop.node, agents=2, terms=shop.terms, name="still") as still,
        deploy_world(shop.node, agents=2, terms=shop.terms, name="moves") as moves,
    ):
        for world in (still, moves):
            shop.watch(world, by_operator=False)
        shop.clock.advance(WEEK - 1)
        moves.advance(Phase.RANK)
        shop.work(LOOK)
        shop.minute()
        early = shop.seen(still).watch
        shop.clock.advance(1)
        shop.minute()
        late = [shop.seen(world).watch.state for world in (still, moves, shop.world)]
        shop.work(LOOK)
        shop.watch(still, by_operator=False)
        again = shop.seen(still).watch

    assert [State.WATCHING, State.LAPSED] == [early.state, late[0]]
    assert [State.WATCHING] * 2 == late[1:]
    assert (State.WATCHING, shop.clock.now()) == (again.state, again.moved_at)


def test_a_strangers_watch_that_alternates_between_phases_ends_all_the_same(open_shop: OpenShop) -> None:
    """A stranger's contract may say a new phase ever again: after thirty days its place is free for whoever asks."""
    shop = open_shop(2)
    shop.watch(by_operator=False)
    began = shop.seen().watch.watched_at
    states = []
    for turn in range(5):
        states.append(shop.seen().watch.state)
        phase = (Phase.RANK, Phase.DEPOSIT)[turn % 2]
        shop.node.rpc("anvil_setStorageAt", shop.world.exchange.address, "0x0", f"0x{phase:064x}")
        shop.mine()
        shop.clock.advance(timedelta(days=6).total_seconds())
        shop.work(LOOK)
        shop.minute()
    lapsed = shop.seen().watch
    shop.watch(by_operator=False)
    again = shop.seen().watch

    assert [State.WATCHING] * 5 == states
    assert (State.LAPSED, began) == (lapsed.state, lapsed.watched_at)
    assert (State.WATCHING, shop.clock.now()) == (again.state, again.watched_at)


def test_a_strangers_flood_of_events_makes_no_task(open_shop: OpenShop) -> None:
    """Its contract tells of a hundred phases in a transaction: it is looked at when its next look is due, once."""
    shop = open_shop(2)
    address = shop.world.exchange.address
    code = shop.node.rpc("eth_getCode", address, "latest")
    shop.watch(by_operator=False)
    shop.work(LOOK)
    shop.minute()
    shop.node.rpc("anvil_setCode", address, "0x" + 100 * f"7f{PHASE_CHANGED.hex()}5f5fa1")
    call = {"from": shop.node.rpc("eth_accounts")[0], "to": address, "gas": hex(1_000_000)}
    sent = shop.node.rpc("eth_sendTransaction", call)
    shop.mine()
    shop.node.rpc("anvil_setCode", address, code)
    logs = shop.node.rpc("eth_getTransactionReceipt", sent)["logs"]
    shop.minute()
    shop.clock.advance(300)
    shop.work(LOOK)

    assert 100 == len(logs)
    assert [] == shop.outcomes(EVENTS)
    assert [("done", None)] * 2 == shop.outcomes(LOOK)[:2]


def test_a_hint_about_a_strangers_exchange_costs_no_look(open_shop: OpenShop) -> None:
    """Whoever delivers it, a hundred times a block."""
    shop = open_shop(2)
    shop.watch(by_operator=False)
    shop.end_phase()
    shop.world.advance(Phase.RANK)
    event = EvmEvent(
        chain_id=shop.node.chain_id,
        block_number=shop.node.block_number(),
        block_hash=b"\7" * 32,
        transaction_hash=b"\6" * 32,
        log_index=0,
        address=shop.world.exchange.address,
        topics=(PHASE_CHANGED,),
        data=uint_word(Phase.RANK),
    )
    payload = Delivery(watch="barter.exchanges", sequence=0, event=event).to_json()
    shop.ask(TaskSpec(kind=EVENTS, business_key=event.identity, payload=payload, run_at=shop.clock.now()))
    shop.work(EVENTS)

    assert [("skipped", "no operator has asked for it")] == shop.outcomes(EVENTS)


def test_a_proof_lapses_with_its_watch_and_returns_with_it(open_shop: OpenShop) -> None:
    """What was owed is owed no more, until an operator asks; then it is proven, posted and paid for."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    shop.watch(by_operator=False)
    shop.work(LOOK)
    shop.clock.advance(WEEK)
    assert 1 == shop.deps.following.end_strangers()
    lapsed = shop.seen()
    shop.watch()
    shop.live(lambda: shop.seen().watch.state == State.OVER)

    assert (State.LAPSED, None) == (lapsed.watch.state, lapsed.job)
    assert [("trades", "confirmed")] == [(call.purpose, call.state) for call in shop.seen().calls]


def test_a_stranger_is_shown_a_certificate_where_others_are_a_proof(open_shop: OpenShop) -> None:
    """A proof is computed at our cost."""
    shop = open_shop(len(LISTS), mode=Choice.GROTH16)
    proven_for_a_stranger(shop)

    job = shop.seen().job
    assert job is not None
    assert (JobState.COMPLETED, Mode.DIRECT) == (job.state, job.mode)


def test_a_proof_is_not_posted_by_way_of_a_strangers_verifier(open_shop: OpenShop) -> None:
    """The exchange is ours; what it would ask about a proof is not, and may cost whatever it likes."""
    shop = open_shop(2)
    verifier = deploy(shop.node, "RecitingVerifier")

    assert not shop.deps.exchanges.is_our_verifier(verifier.address)
    assert shop.deps.exchanges.is_our_verifier(None)


def test_a_stranger_gets_no_more_gas_for_an_answer_than_an_exchange_needs(open_shop: OpenShop) -> None:
    """This one answers each question with 1, which an exchange might say, if it may use a million; else with 0."""
    shop = open_shop(2)
    address = "0x" + "5a" * 20
    shop.node.rpc("anvil_setCode", address, "0x620f42405a115f5260205ff3")

    with pytest.raises(NotAnExchange):
        shop.deps.exchanges.look(address)


@pytest.mark.parametrize("by_operator", [False, True])
def test_a_market_that_no_transaction_enacts_is_not_watched(open_shop: OpenShop, by_operator: bool) -> None:
    """Our exchange refuses to be deployed so; other init code leaves the same runtime with a larger number in it."""
    shop = open_shop(2, Terms(agents_max=ENACTABLE_MAX))
    address = shop.world.exchange.address
    largest, larger = (b"\x7f" + uint_word(agents) for agents in (ENACTABLE_MAX, ENACTABLE_MAX + 1))
    shop.node.rpc("anvil_setCode", address, "0x" + code_at(shop, address).replace(largest, larger).hex())

    assert shop.deps.exchanges.look(address).is_ours
    with pytest.raises(MarketTooLarge):
        shop.watch(by_operator=by_operator)
    assert [] == shop.rows("select from barter.watches")


def test_no_proof_is_computed_for_a_stranger(open_shop: OpenShop, proving_key: bytes) -> None:
    """Neither for an exchange whose code is another, nor for one of ours before a stranger's verifier."""
    node = open_shop(2).node
    verifier = deploy_verifier(node, verification_key_of(proving_key), agents=16, list_max=16)
    reciting = deploy(node, "RecitingVerifier")
    known, other = (open_shop(2, Terms(agents_max=16, verifier=one.address)) for one in (verifier, reciting))

    def circuit_agents(shop: Shop) -> int | None:
        address = shop.world.exchange.address
        trade = shop.deps.exchanges.look(address).sight.trade
        assert trade is not None
        return shop.deps.exchanges.lists(address, trade).circuit_agents

    for shop in (known, other):
        shop.world.ready([[1], [0]])
    told = [circuit_agents(known), circuit_agents(other)]
    address = known.world.exchange.address
    node.rpc("anvil_setCode", address, "0x" + (code_at(known, address) + b"\0").hex())

    assert [16, None, None] == [*told, circuit_agents(known)]
