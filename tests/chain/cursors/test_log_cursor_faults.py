"""A log cursor behind providers that fail, lag, limit and lie loses nothing, repeats nothing and never goes back."""

from collections.abc import Callable

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.evm.log_cursor import ChainUnread, Pause
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.standings import Standing
from tests.chain.cursors.emitter import OTHER_TOPIC, Emitter
from tests.chain.cursors.stand import Stand

pytestmark = pytest.mark.chain

ALL = 1_000_000


def test_the_span_becomes_what_every_provider_allows_and_is_remembered(
    faulty_stand: Stand, fault_proxy: FaultProxy
) -> None:
    """The refusal names seven blocks; later turns, new processes, ask for seven at once."""
    faulty_stand.emitter.emit(2)
    faulty_stand.node.mine(60)
    faulty_stand.emitter.emit(3)
    fault_proxy.inject(logs_range_max=7)
    first = faulty_stand.advance()
    refused = fault_proxy["primary"].failures()["logs_range"]
    faulty_stand.node.mine(30)
    faulty_stand.advance()

    assert (first.events, first.pause) == (5, Pause.AT_HEAD)
    assert (faulty_stand.row()["span_blocks"], faulty_stand.row()["span_refused"]) == (7, 8)
    assert (refused, fault_proxy["primary"].failures()["logs_range"]) == (1, 1)


def test_a_provider_without_a_limit_serves_what_another_refuses(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """One provider's small plan does not make the reads of the other small."""
    faulty_stand.node.mine(100)
    fault_proxy["primary"].inject(logs_range_max=2)

    assert faulty_stand.advance().blocks == 101
    assert faulty_stand.row()["span_refused"] is None


def test_a_provider_that_dies_over_logs_is_passed_by(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """Headers come, logs do not: the other one tells them."""
    faulty_stand.emitter.emit(2)
    fault_proxy["primary"].inject(failure="http_500", methods=("eth_getLogs",))

    assert faulty_stand.advance().events == 2


def test_a_stale_head_moves_nothing(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """Every provider stands still below what was read: the cursor waits, and goes on when they do."""
    faulty_stand.emitter.emit_each(*[1] * 10)
    faulty_stand.advance()
    fault_proxy.inject(stale_head=4)
    behind = faulty_stand.advance()
    fault_proxy.heal()
    faulty_stand.emitter.emit()
    healed = faulty_stand.advance()

    assert (behind.pause, behind.next_block, behind.retractions) == (Pause.BEHIND, 11, 0)
    assert (healed.events, healed.next_block) == (1, 12)
    assert faulty_stand.standing() == faulty_stand.emitter.logged()


def test_a_node_without_the_newest_blocks_skips_none(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """A node that answers for blocks beyond its head with an empty list is not asked for them."""
    faulty_stand.emitter.emit_each(*[1] * 6)
    fault_proxy.inject(stale_head=3)
    stale = faulty_stand.advance()
    fault_proxy.heal()
    healed = faulty_stand.advance()

    assert (stale.events, stale.next_block, healed.events, healed.next_block) == (3, 4, 3, 7)


@pytest.mark.parametrize("left_out", [1, ALL])
def test_a_provider_that_leaves_logs_out_is_found_out_and_distrusted(
    faulty_stand: Stand, fault_proxy: FaultProxy, left_out: int
) -> None:
    """A part of a block's logs or all of them: its own receipts convict it, and the other one's logs are delivered."""
    faulty_stand.emitter.emit(3)
    faulty_stand.node.mine(5)
    fault_proxy["primary"].inject(logs_left_out=left_out)
    pool = faulty_stand.pool()
    progress = faulty_stand.advance(pool)

    assert progress.events == 3
    assert [standing for _, standing in pool.standings()] == [Standing.DISTRUSTED, Standing.ACTIVE]
    assert faulty_stand.standing() == faulty_stand.emitter.logged()


def test_a_witness_that_leaves_logs_out_is_distrusted(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """The second endpoint lacks what the first one has: it is the one that is left out."""
    faulty_stand.emitter.emit(3)
    fault_proxy["secondary"].inject(logs_left_out=ALL)
    pool = faulty_stand.pool()

    assert faulty_stand.advance(pool).events == 3
    assert [standing for _, standing in pool.standings()] == [Standing.ACTIVE, Standing.DISTRUSTED]


def test_logs_that_two_providers_tell_differently_are_not_delivered(
    faulty_stand: Stand, fault_proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Forged amounts, in the receipts, too: nobody convicts itself, so nothing is delivered and a person is called."""
    faulty_stand.emitter.emit(1)
    fault_proxy["secondary"].inject(logs_forged=True)
    disputed = faulty_stand.advance()
    alarms = [vars(record)["alarm"] for record in caplog.records if "alarm" in vars(record)]
    fault_proxy.heal()

    assert (disputed.pause, disputed.events, disputed.next_block) == (Pause.UNSETTLED, 0, 0)
    assert set(alarms) == {"cursor.logs_disputed"}
    assert faulty_stand.advance().events == 1


@pytest.mark.parametrize("forger", ["one", "two", "three"])
def test_a_forger_is_outvoted_by_two_others(stand: Stand, three: FaultProxy, forger: str) -> None:
    """Whoever of three forges, the two others are believed; one who was heard is left out from then on."""
    stand.emitter.emit(2)
    three[forger].inject(logs_forged=True)
    pool = stand.pool(three.urls)
    progress = stand.advance(pool)
    left_out = [standing == Standing.DISTRUSTED for _, standing in pool.standings()]

    assert progress.events == 2
    assert {event.data for event in stand.events()} == {(1).to_bytes(32, "big")}
    assert left_out == [forger == "one", forger == "two", False]


@pytest.mark.parametrize("forgetful", ["primary", "secondary"])
def test_a_provider_that_has_pruned_its_logs_is_no_witness(
    faulty_stand: Stand, fault_proxy: FaultProxy, forgetful: str
) -> None:
    """It has the blocks, and answers for their logs with nothing: the other one is believed, and nobody is a liar."""
    faulty_stand.emitter.emit(3)
    fault_proxy[forgetful].inject(logs_pruned=True)
    pool = faulty_stand.pool()

    assert faulty_stand.advance(pool).events == 3
    assert [standing for _, standing in pool.standings()] == [Standing.ACTIVE, Standing.ACTIVE]


def test_two_pruned_providers_do_not_outvote_a_whole_one(stand: Stand, three: FaultProxy) -> None:
    """They agree that there is nothing, and have no receipts to say so with."""
    stand.emitter.emit(3)
    for name in ("one", "two"):
        three[name].inject(logs_pruned=True)
    pool = stand.pool(three.urls)

    assert stand.advance(pool).events == 3
    assert {standing for _, standing in pool.standings()} == {Standing.ACTIVE}


def test_providers_that_have_all_pruned_their_logs_skip_nothing(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """All agree that there is nothing; the bloom says that somebody logged, so the cursor waits for a whole one."""
    faulty_stand.emitter.emit(3)
    fault_proxy.inject(logs_pruned=True)
    with pytest.raises(ChainUnread):
        faulty_stand.advance()
    fault_proxy.heal()

    assert faulty_stand.advance().events == 3


def test_a_lone_provider_that_leaves_logs_out_delivers_nothing(faulty_stand: Stand, fault_proxy: FaultProxy) -> None:
    """With nobody to ask, its logs must add up to the header's bloom; the cursor waits until they do."""
    faulty_stand.emitter.emit(1)
    fault_proxy["primary"].inject(logs_left_out=ALL)
    lone = fault_proxy.urls[:1]
    with pytest.raises(ChainUnread):
        faulty_stand.advance(faulty_stand.pool(lone))
    fault_proxy.heal()

    assert faulty_stand.row()["next_block"] == 0
    assert faulty_stand.advance(faulty_stand.pool(lone)).events == 1


def test_a_bloom_that_claims_too_much_holds_nobody_up(stand: Stand) -> None:
    """Two contracts in one block set the bits of address and topic without a log of both: a lone node proves it."""
    other = Emitter(stand.node, "0x" + "d0" * 20)
    stand.node.rpc("evm_setAutomine", False)
    stand.emitter.emit(1, topic=OTHER_TOPIC)
    other.emit(1)
    stand.node.rpc("evm_setAutomine", True)  # mines both in one block
    progress = stand.advance()

    assert (progress.pause, progress.events, progress.next_block) == (Pause.AT_HEAD, 0, 2)


def test_endpoints_that_contradict_each_other_deliver_nothing(
    start_anvil: Callable[..., AnvilNode], stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    """An endpoint on a fork that others left is a tie: nothing is taken back before one of them gives way."""
    fork = _twin(stand, start_anvil)
    stand.emitter.emit()
    Emitter(fork).emit(2)
    both = stand.pool([fork.url, stand.node.url])
    stand.advance(stand.pool([stand.node.url]))
    tied = stand.advance(both)
    outvoted = stand.advance(stand.pool([fork.url]))

    assert (tied.pause, tied.events, tied.retractions) == (Pause.UNSETTLED, 0, 0)
    assert (outvoted.events, outvoted.retractions) == (2, 1)


def test_a_block_that_returns_is_delivered_again(start_anvil: Callable[..., AnvilNode], stand: Stand) -> None:
    """A, then B, then A, then B again: each time it is retracted and delivered under an identity of its own."""
    stand.emitter.emit()
    fork = _twin(stand, start_anvil)
    for _ in range(3):
        stand.emitter.emit(2)
        Emitter(fork).emit(1)
    turns = [stand.advance(stand.pool([node.url])) for node in (stand.node, fork, stand.node, fork, stand.node)]
    once_more = stand.advance(stand.pool([stand.node.url]))

    assert [(turn.retractions, turn.events) for turn in turns] == [(0, 7), (6, 3), (3, 6), (6, 3), (3, 6)]
    assert (once_more.retractions, once_more.events) == (0, 0)
    assert {event.occurrence for event in stand.events()} == {1, 2, 3}
    assert stand.standing() == stand.emitter.logged()


def test_a_shorter_fork_waits_until_it_has_grown(start_anvil: Callable[..., AnvilNode], stand: Stand) -> None:
    """A chain that is lower than what was read may be a node that lags: it moves nothing before it is as high."""
    fork = _twin(stand, start_anvil)
    stand.emitter.emit_each(*[1] * 4)
    stand.advance()
    pool: RpcPool = stand.pool([fork.url])
    Emitter(fork).emit(2)
    lower = stand.advance(pool)
    fork.mine(3)
    grown = stand.advance(pool)

    assert (lower.pause, lower.retractions, lower.events) == (Pause.BEHIND, 0, 0)
    assert (grown.retractions, grown.events) == (4, 2)


def _twin(stand: Stand, start_anvil: Callable[..., AnvilNode]) -> AnvilNode:
    """A node with the same history, which goes its own way from here."""
    fork = start_anvil(name="fork")
    fork.rpc("anvil_loadState", stand.node.rpc("anvil_dumpState"))
    fork.rpc(
        "evm_setNextBlockTimestamp", int(stand.node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16) + 7
    )
    return fork
