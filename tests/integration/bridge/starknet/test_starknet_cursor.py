"""A cursor over an escrow's events on Starknet: each becomes one task, whatever lags, lies, forks or dies meanwhile."""

import pytest

from functions.bridge.adapters.starknet_rpc import PAGE_EVENTS
from kernel.chain_events import StarknetEvent
from kernel.evm.log_cursor import Budget, ChainUnread, Pause, WatchChanged
from tests.integration.bridge.starknet.bench import Bench, standings
from tests.integration.bridge.starknet.network import ESCROW, Chain, Faults

pytestmark = pytest.mark.integration


def test_each_deposit_becomes_one_task(bench: Bench) -> None:
    """In the order of the chain, with its block and transaction; a second turn finds nothing more."""
    block = bench.network.mine(bench.network.set_order(0), bench.network.set_order(1))
    bench.network.mine(bench.network.claim_payment(0))
    pool = bench.pool()

    progress = bench.advance(pool)

    first, second = bench.heard()
    assert (Pause.AT_HEAD, 5, 2) == (progress.pause, progress.next_block, progress.events)
    assert [(0, False, 1), (1, False, 1)] == bench.orders()
    assert (block.hash.to_bytes(32, "big"), 3, ESCROW) == (first.block_hash, first.block_number, first.address)
    assert first.transaction_hash != second.transaction_hash
    assert (Pause.AT_HEAD, 0) == (bench.advance(pool).pause, bench.advance(pool).events)


def test_an_id_past_128_bits_and_a_recipient_with_leading_zeros_arrive_whole(bench: Bench) -> None:
    """Both halves of the id, and the recipient as a number."""
    bench.network.mine(bench.network.set_order(2**200 + 7, recipient=0x00000000000000000000000000000000000000AB))

    bench.advance(bench.pool())

    [event] = bench.heard()
    assert (7, 2**72, 0xAB) == event.data[:3]


def test_events_come_page_by_page(bench: Bench) -> None:
    """Continuation tokens are followed, past pages without events, and a page size that is refused becomes smaller."""
    bench.network.mine(*(bench.network.set_order(number) for number in range(25)))
    narrow, empty = Faults(page_max=4), Faults(page_max=10, empty_pages=True)

    bench.advance(bench.pool(narrow, empty))

    pages = [asked["params"][0] for asked in bench.network.asked if asked["method"] == "starknet_getEvents"]
    assert [(number, False, 1) for number in range(25)] == bench.orders()
    assert {PAGE_EVENTS, 3, 7} <= {page["chunk_size"] for page in pages}
    assert any("continuation_token" in page for page in pages)


@pytest.mark.parametrize(
    ("faults", "standing"),
    [
        (Faults(page_max=4, token_loops=True), "distrusted"),
        (Faults(page_max=4, token_forgotten=True), "active"),
    ],
)
def test_an_endpoint_that_does_not_come_to_an_end_is_passed_over(bench: Bench, faults: Faults, standing: str) -> None:
    """Its token leads back to itself, or is not known a moment later; two others tell."""
    bench.network.mine(*(bench.network.set_order(number) for number in range(25)))
    pool = bench.pool(faults, Faults(), Faults())

    bench.advance(pool)

    assert 25 == len(bench.heard())
    assert standing == standings(pool)[0]


def test_more_events_than_a_commit_takes_come_in_several(bench: Bench) -> None:
    """No block is torn, and no commit brings two where one is almost too much."""
    for number in range(6):
        bench.network.mine(*(bench.network.set_order(10 * number + nth) for nth in range(3)))

    progress = bench.advance(bench.pool(), events_max=4)

    assert (18, 9) == (progress.events, progress.next_block)
    with bench.postgres.transaction() as tx:
        assert {"version": 6} == tx.one("select version from bridge.starknet_cursors")
    assert sorted(bench.orders()) == bench.orders()


def test_a_turn_ends_with_its_budget(bench: Bench) -> None:
    """The next one goes on."""
    bench.network.mine(bench.network.set_order(0))
    pool = bench.pool()

    assert (Pause.BUDGET, 2) == ((first := bench.advance(pool, Budget(blocks=2))).pause, first.next_block)
    assert (Pause.AT_HEAD, 1) == ((second := bench.advance(pool)).pause, second.events)


def test_a_reorganisation_takes_back_what_it_dropped(bench: Bench) -> None:
    """The newest first, then what is new; a block that returns is a second occurrence."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    network.mine(network.set_order(1))
    bench.advance(pool)
    old = network.chain
    network.chain = old.fork(3)
    network.mine(network.set_order(2))
    network.mine()
    network.mine()
    bench.advance(pool)
    network.chain = Chain(old.blocks)
    network.mine()
    network.mine()

    progress = bench.advance(pool)

    told = [(0, False, 1), (1, False, 1), (1, True, 1), (0, True, 1), (2, False, 1)]
    again = [(2, True, 1), (0, False, 2), (1, False, 2)]
    assert told + again == bench.orders()
    assert (1, 2) == (progress.retractions, progress.events)


def test_a_reorganisation_that_only_one_endpoint_shows_moves_nothing(bench: Bench) -> None:
    """Neither as long as two others contradict it, nor where one other does."""
    network = bench.network
    network.mine(network.set_order(0))
    liar = Faults(chain=network.chain.fork(2))
    for _ in range(5):
        liar.chain.mine(network.set_order(66))  # type: ignore[union-attr]  # each node has a chain
    alone, outvoted = bench.pool(liar, Faults()), bench.pool(liar, Faults(), Faults())
    bench.advance(bench.pool())

    assert Pause.UNSETTLED == bench.advance(alone).pause
    assert Pause.AT_HEAD == bench.advance(outvoted).pause
    assert [(0, False, 1)] == bench.orders()


def test_a_chain_that_became_shorter_is_waited_for(bench: Bench) -> None:
    """Nothing is taken back before the new chain is as high as the old one was."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    bench.advance(pool)
    network.chain = network.chain.fork(3)

    assert Pause.BEHIND == bench.advance(pool).pause

    network.mine(network.set_order(1))
    bench.advance(pool)
    assert [(0, False, 1), (0, True, 1), (1, False, 1)] == bench.orders()


def test_an_endpoint_that_lags_has_no_say(bench: Bench) -> None:
    """What two have is read; what only one of two has is waited for."""
    network = bench.network
    network.mine(network.set_order(0))
    network.mine(network.set_order(1))

    assert 5 == bench.advance(bench.pool(Faults(lags=2), Faults(), Faults())).next_block
    assert Pause.BEHIND == bench.advance(bench.pool(Faults(lags=1), Faults(lags=1))).pause
    network.mine(network.set_order(2))
    assert (Pause.UNSETTLED, 5) == ((one := bench.advance(bench.pool(Faults(lags=2), Faults()))).pause, one.next_block)
    assert [(0, False, 1), (1, False, 1)] == bench.orders()


def test_an_endpoint_that_leaves_events_out_is_outvoted_and_distrusted(bench: Bench) -> None:
    """Two of three tell the deposit."""
    hidden = bench.network.set_order(0)
    bench.network.mine(hidden)
    pool = bench.pool(Faults(leaves_out={hidden.transaction_hash}, receipts_lie=True), Faults(), Faults())

    bench.advance(pool)

    assert [(0, False, 1)] == bench.orders()
    assert ["distrusted", "active", "active"] == standings(pool)


def test_an_endpoint_whose_own_receipts_contradict_it_is_distrusted(bench: Bench) -> None:
    """One of two left events out of its index, or invented them: its receipts speak for it."""
    hidden = bench.network.set_order(0)
    block = bench.network.mine(hidden)
    gap, invention = (
        Faults(leaves_out={hidden.transaction_hash}),
        Faults(invents=[(block.number, bench.network.set_order(66))]),
    )
    pools = [bench.pool(gap, Faults()), bench.pool(Faults(), invention)]

    bench.advance(pools[0], name="one")
    bench.advance(pools[1], name="two")

    assert [(0, False, 1)] == bench.orders()
    assert [["distrusted", "active"], ["active", "distrusted"]] == [standings(pool) for pool in pools]


def test_two_that_contradict_each_other_deliver_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A person is called, and the place stays; a third endpoint decides."""
    invented = bench.network.set_order(66)
    block = bench.network.mine(bench.network.set_order(0))
    liar = Faults(invents=[(block.number, invented)], receipts_lie=True)

    assert Pause.UNSETTLED == bench.advance(bench.pool(liar, Faults())).pause
    assert [] == bench.orders()
    assert ["cursor.logs_disputed"] == [getattr(one, "alarm", "") for one in caplog.records if hasattr(one, "alarm")]

    bench.advance(bench.pool(liar, Faults(), Faults()))
    assert [(0, False, 1)] == bench.orders()


def test_two_that_contradict_each_other_and_have_no_receipts_deliver_nothing(bench: Bench) -> None:
    """Nothing speaks for either."""
    block = bench.network.mine(bench.network.set_order(0))
    pruned = {"starknet_getBlockWithReceipts": "BLOCK_NOT_FOUND"}
    liar = Faults(invents=[(block.number, bench.network.set_order(66))], refuses=pruned)

    assert Pause.UNSETTLED == bench.advance(bench.pool(liar, Faults(refuses=pruned))).pause
    assert [] == bench.orders()


@pytest.mark.parametrize(
    "replaced",
    [
        {'"0xd17d"': hex(2**251 + 17 * 2**192 + 1).join('""')},
        {'"0xd17d"': '"-1"'},
        {'"0xd17d"': "7"},
        {hex(ESCROW).join('""'): '"0xbad"'},
        {'"from_address"': '"sender"'},
    ],
)
def test_an_answer_that_cannot_be_true_costs_its_endpoint_its_say(bench: Bench, replaced: dict[str, str]) -> None:
    """A felt past the field, no felt, an event of somebody else, another shape."""
    bench.network.mine(bench.network.set_order(0))
    pool = bench.pool(Faults(replaced=replaced), Faults(), Faults())

    bench.advance(pool)

    assert [(0xD17D, 1)] == [(event.data[2], event.occurrence) for event in bench.heard()]
    assert ["distrusted", "active", "active"] == standings(pool)


def test_an_event_that_an_endpoint_tells_twice_is_none(bench: Bench) -> None:
    """It could otherwise become two tasks."""
    deposit = bench.network.set_order(0)
    block = bench.network.mine(deposit)
    pool = bench.pool(Faults(invents=[(block.number, deposit)]))

    with pytest.raises(ChainUnread):
        bench.advance(pool)

    assert [] == bench.orders()


def test_one_endpoint_of_two_that_is_gone_stops_only_what_is_final(bench: Bench) -> None:
    """The newest blocks are read by whoever is left, after a while; final ones wait, for nobody reads them again."""
    network = bench.network
    network.mine(network.set_order(0))
    network.accept_on_l1(3)
    pool = bench.pool(Faults(away=True), Faults())
    bench.advance(pool)
    bench.clock.advance(60)

    bench.advance(pool)
    progress = bench.advance(pool, name="final", only_final=True)

    assert [(0, False, 1)] == bench.orders()
    assert (Pause.UNSETTLED, 0) == (progress.pause, progress.next_block)


def test_nobody_who_answers(bench: Bench) -> None:
    """An error answer of every endpoint is no end of the chain."""
    pool = bench.pool(*(Faults(refuses={"starknet_getEvents": "BLOCK_NOT_FOUND"}) for _ in range(2)))

    with pytest.raises(ChainUnread):
        bench.advance(pool)


def test_final_blocks_are_those_accepted_on_l1(bench: Bench) -> None:
    """As many endpoints say so as must; the same deposit is the same task for both watches."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    network.mine(network.set_order(1))
    network.accept_on_l1(3)
    bench.advance(pool)

    progress = bench.advance(pool, name="final", only_final=True)

    assert (Pause.AT_HEAD, 4, 1) == (progress.pause, progress.next_block, progress.events)
    assert [(0, False, 1), (1, False, 1)] == bench.orders()
    network.accept_on_l1(4)
    assert 5 == bench.advance(pool, name="final", only_final=True).next_block


def test_what_the_newest_blocks_missed_is_found_among_the_final_ones(bench: Bench) -> None:
    """A watch that begins later than a deposit, and one that does not."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    network.mine()
    network.accept_on_l1(4)
    bench.advance(pool, start_block=4)
    assert [] == bench.orders()

    bench.advance(pool, name="final", only_final=True)

    assert [(0, False, 1)] == bench.orders()


def test_two_turns_at_once_deliver_once(bench: Bench) -> None:
    """Whoever commits second finds the place left, and drops its work."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    slow, fast = bench.cursor(pool), bench.cursor(pool)
    place = slow._store.place(bench.clock.now())
    found = slow._look(place, 128)
    assert not isinstance(found, Pause)
    fast.advance()

    assert slow._store.move(place, *found, bench.clock.now()) is None
    assert [(0, False, 1)] == bench.orders()


def test_a_name_belongs_to_one_network_and_kind(bench: Bench) -> None:
    """The place of a watch is worth nothing elsewhere."""
    pool = bench.pool()
    bench.advance(pool)

    with pytest.raises(WatchChanged):
        bench.advance(pool, network="main")


def test_a_long_outage_is_read_in_steps(bench: Bench) -> None:
    """More blocks than one step reads, and than a batch holds."""
    network = bench.network
    for number in range(300):
        network.mine(*([network.set_order(number)] if number % 50 == 0 else []))

    progress = bench.advance(bench.pool())

    assert (303, 6, Pause.AT_HEAD) == (progress.next_block, progress.events, progress.pause)


def test_a_reorganisation_deeper_than_is_remembered_calls_a_person(bench: Bench) -> None:
    """What is remembered is taken back, the oldest block kept is where it is read again, and the alarm stays."""
    network, pool = bench.network, bench.pool()
    network.mine(network.set_order(0))
    for _ in range(300):
        network.mine()
    network.mine(network.set_order(1))
    bench.advance(pool)
    network.chain = network.chain.fork(2)
    for _ in range(310):
        network.mine()

    progress = bench.advance(pool)

    assert (311, "reorganisation_too_deep") == (progress.next_block - 1, bench.advance(pool).alarm)
    assert [(0, False, 1), (1, False, 1), (1, True, 1)] == bench.orders()


def test_a_range_that_is_refused_becomes_narrower(bench: Bench) -> None:
    """Each endpoint has limits of its own; what both have told of counts."""
    for number in range(40):
        bench.network.mine(bench.network.set_order(number))

    bench.advance(bench.pool(Faults(range_max=7), Faults(range_max=20)))

    assert [(number, False, 1) for number in range(40)] == bench.orders()


def test_a_task_of_starknet_is_read_back_as_it_was(bench: Bench) -> None:
    """Its payload is a delivery."""
    bench.network.mine(bench.network.set_order(2**256 - 1))
    bench.advance(bench.pool())

    [event] = bench.heard()

    assert event == StarknetEvent.from_json(event.to_json())
