"""What nodes and providers of Solana do wrong, and what becomes of an entry: still one effect, or a documented end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.solana import LAMPORTS_PER_SOL
from kernel.jsonrpc.endpoint import RpcUnavailable
from kernel.jsonrpc.quorum import NoQuorum
from kernel.outbox.reading import ChainUnreadable
from kernel.outbox.solana import State
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import system_transfer
from kernel.tasks import Retry
from tests.chain.outbox_solana.desk import AMOUNT_LAMPORTS, Desk, MutePool, SwallowingPool, recipient

pytestmark = pytest.mark.chain


@pytest.mark.parametrize("send", ["error", "lost"])
def test_a_node_that_accepts_and_then_answers_an_error(faulty_desk: Desk, faults: FaultProxy, send: str) -> None:
    """The transaction is out although every answer says otherwise: it is found by its stored signature."""
    faulty_desk.record("pay-1")
    faults.inject(send=send)
    faulty_desk.step("pay-1")

    assert State.SIGNED == faulty_desk.entry("pay-1").state
    faulty_desk.node.mine()
    entry = faulty_desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, faulty_desk.effects("pay-1"), len(entry.payloads))


def test_bytes_that_a_node_swallowed_are_sent_again_unchanged(faulty_desk: Desk, faults: FaultProxy) -> None:
    """A signature in the answer is no proof: while the blockhash lives the same bytes go out, and nothing is signed."""
    faulty_desk.record("pay-1")
    faults.inject(send="swallowed")
    for _ in range(5):
        faulty_desk.step("pay-1")
        faulty_desk.node.mine(10)

    assert (State.BROADCAST, 0) == (faulty_desk.entry("pay-1").state, faulty_desk.effects("pay-1"))
    faults.heal()
    entry = faulty_desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, len(entry.payloads), faulty_desk.effects("pay-1"))


def test_a_dropped_transaction_is_signed_anew_once_its_blockhash_has_expired(
    faulty_desk: Desk, faults: FaultProxy
) -> None:
    """Never landed, and proven dead by two RPCs: a second signature, dearer, and one effect."""
    faulty_desk.record("pay-1")
    faults.inject(send="swallowed")
    faulty_desk.step("pay-1")
    first = faulty_desk.entry("pay-1").payloads[0]
    faults.heal()
    faulty_desk.node.expire()
    entry = faulty_desk.settle("pay-1")

    assert (State.CONFIRMED, 2, 1) == (entry.state, len(entry.payloads), faulty_desk.effects("pay-1"))
    second = entry.payloads[1]
    assert second.signature == entry.signature
    assert second.unit_price > first.unit_price
    assert first.last_valid_block_height is not None
    assert faulty_desk.pool().statuses([first.signature]) == [None]


def test_nothing_is_signed_anew_before_the_last_valid_height_is_final(desk: Desk) -> None:
    """Past it, and processed only, is not enough: a block at that height may still be on a fork."""
    desk.record("pay-1")
    mute = desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock))
    desk.step("pay-1", mute)
    last = desk.entry("pay-1").payloads[0].last_valid_block_height or 0
    desk.node.mine(last - desk.node.height("finalized"))
    desk.step("pay-1", mute)

    assert (last, 1) == (desk.node.height("finalized"), len(desk.entry("pay-1").payloads))
    desk.node.mine()
    desk.step("pay-1", mute)
    assert 2 == len(desk.entry("pay-1").payloads)


@pytest.mark.parametrize("liar", ["primary", "secondary"])
def test_a_blockhash_expires_while_the_transaction_lands_late_and_a_node_hides_it(
    faulty_desk: Desk, faults: FaultProxy, liar: str
) -> None:
    """It lands in the last block that takes it, and one RPC of two denies it: no second signature, no second effect."""
    faulty_desk.record("pay-1")
    faults.inject(send="swallowed")
    faulty_desk.step("pay-1")
    first = faulty_desk.entry("pay-1").payloads[0]
    faults.heal()
    faults[liar].inject(signatures="forgotten")
    faulty_desk.node.mine((first.last_valid_block_height or 0) - 2 - faulty_desk.node.height("processed"))
    SolanaPool((faulty_desk.node.url,), "localnet").broadcast(first.raw)
    faulty_desk.node.expire()
    for _ in range(6):
        look(faulty_desk, "pay-1")

    assert (1, 1) == (len(faulty_desk.entry("pay-1").payloads), faulty_desk.effects("pay-1"))
    faults.heal()
    entry = faulty_desk.settle("pay-1")
    assert (State.CONFIRMED, first.signature, 1) == (entry.state, entry.signature, faulty_desk.effects("pay-1"))


def test_a_node_that_exaggerates_the_height_kills_nothing(faulty_desk: Desk, faults: FaultProxy) -> None:
    """One RPC of two says that the blockhash is long past: the bytes live, and land."""
    faulty_desk.record("pay-1")
    faults.inject(send="swallowed")
    faulty_desk.step("pay-1")
    faults["primary"].inject(height_offset=1_000, send="swallowed")
    for _ in range(3):
        look(faulty_desk, "pay-1")

    assert 1 == len(faulty_desk.entry("pay-1").payloads)
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pay-1").state
    assert (1, 1) == (len(faulty_desk.entry("pay-1").payloads), faulty_desk.effects("pay-1"))


def test_an_invented_success_settles_nothing(faulty_desk: Desk, faults: FaultProxy) -> None:
    """One RPC of two calls every signature final: the end needs both, so the obligation stays open."""
    faulty_desk.record("pay-1")
    faults["primary"].inject(signatures="invented", send="swallowed")
    faults["secondary"].inject(send="swallowed")
    faulty_desk.step("pay-1")
    for _ in range(3):
        look(faulty_desk, "pay-1")

    assert (False, 0) == (faulty_desk.entry("pay-1").settled, faulty_desk.effects("pay-1"))
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pay-1").state
    assert 1 == faulty_desk.effects("pay-1")


def test_nothing_is_signed_anew_on_one_providers_word(faulty_desk: Desk, faults: FaultProxy) -> None:
    """The other is away: the entry waits, however dead its bytes look, and goes on when two answer."""
    faulty_desk.record("pay-1")
    faults.inject(send="swallowed")
    faulty_desk.step("pay-1")
    faults.heal()
    faults["secondary"].inject(outage=True)
    faulty_desk.node.expire()
    for _ in range(3):
        faulty_desk.clock.advance(60)
        look(faulty_desk, "pay-1")

    assert 1 == len(faulty_desk.entry("pay-1").payloads)
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pay-1").state
    assert (2, 1) == (len(faulty_desk.entry("pay-1").payloads), faulty_desk.effects("pay-1"))


class ForgetfulHistory(SolanaPool):
    """Its nodes have thrown away the blocks in which the bytes could have landed."""

    def history_start_slot(self, *, quorum: int | None = None) -> int:
        return 10**9


def test_nodes_that_threw_the_blocks_away_prove_nothing(desk: Desk) -> None:
    """After days without a worker "unknown" may mean forgotten: a person is called, and nothing is signed."""
    desk.record("pay-1")
    desk.step("pay-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    desk.node.expire()
    desk.clock.advance(3_600)
    desk.step("pay-1", desk.outbox(pool=ForgetfulHistory(desk.urls, "localnet", desk.clock)))

    assert ("unproven", 1) == (desk.entry("pay-1").alarm, len(desk.entry("pay-1").payloads))
    assert State.CONFIRMED == desk.settle("pay-1").state


def test_every_provider_away_is_waited_out(faulty_desk: Desk, faults: FaultProxy) -> None:
    """Transient, so that the task is rescheduled; afterwards the entry goes on where it was."""
    faulty_desk.record("pay-1")
    faults.inject(outage=True)

    with pytest.raises(RpcUnavailable):
        faulty_desk.step("pay-1")
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pay-1").state


def test_a_node_that_refuses_a_plain_question_parks_nothing(faulty_desk: Desk, faults: FaultProxy) -> None:
    """What is signed has to be watched: the look is taken again."""
    faulty_desk.record("pay-1")
    faulty_desk.step("pay-1")
    faults.inject(failure="rpc_error", methods=("getSignatureStatuses",))
    look(faulty_desk, "pay-1")

    assert ["ready"] == [record.state for record in faulty_desk.tasks.about("pay-1")]
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pay-1").state


def test_each_signature_offers_more_up_to_the_cap_which_alarms(desk: Desk) -> None:
    """Nobody takes it at any price: raised by half each time; at the cap a person is called, and it goes on."""
    desk.policy = replace(desk.policy, fees=SolanaFeePolicy(price_floor=100, price_cap=200))
    desk.record("pay-1")
    swallowing = desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock))
    alarms = []
    for _ in range(4):
        desk.step("pay-1", swallowing)
        alarms.append(desk.entry("pay-1").alarm)
        desk.node.expire()

    assert [100, 150, 200, 200] == [payload.unit_price for payload in desk.entry("pay-1").payloads]
    assert [None, None, None, "fee_cap"] == alarms
    assert ["pay-1"] == [entry.business_key for entry in desk.outbox().alarmed()]
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, None, 1) == (entry.state, entry.alarm, desk.effects("pay-1"))


def test_an_effect_that_the_simulation_refuses_is_not_signed_and_is_tried_again(desk: Desk) -> None:
    """It would pay a fee for nothing; it may be possible later, and a person is told."""
    poor = (system_transfer(desk.payer, recipient("pay-1"), 200 * LAMPORTS_PER_SOL),)
    desk.record("pay-1", instructions=poor)
    outcome = desk.step("pay-1")

    assert isinstance(outcome, Retry)
    assert (State.RECORDED, "simulation", ()) == (
        desk.entry("pay-1").state,
        desk.entry("pay-1").alarm,
        desk.entry("pay-1").payloads,
    )
    desk.node.fund(desk.payer, 300 * LAMPORTS_PER_SOL)
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, None) == (entry.state, entry.alarm)


def test_an_effect_that_stays_impossible_ends_with_its_time(desk: Desk) -> None:
    """Cancelled without a signature."""
    poor = (system_transfer(desk.payer, recipient("pay-1"), 200 * LAMPORTS_PER_SOL),)
    desk.record("pay-1", instructions=poor, valid_until=desk.clock.now() + timedelta(seconds=30))
    entry = desk.settle("pay-1")

    assert (State.CANCELLED, "expired", ()) == (entry.state, entry.reason, entry.payloads)


def test_a_payer_without_lamports_raises_an_alarm_and_goes_on_once_funded(desk: Desk) -> None:
    """Nothing is signed that no leader would take."""
    desk.node.fund(desk.payer, 0)
    desk.record("pay-1")
    desk.step("pay-1")

    assert ("unfunded", ()) == (desk.entry("pay-1").alarm, desk.entry("pay-1").payloads)
    desk.node.fund(desk.payer, LAMPORTS_PER_SOL)
    assert State.CONFIRMED == desk.settle("pay-1").state


def test_an_unwanted_effect_ends_only_when_its_bytes_are_dead(desk: Desk) -> None:
    """Past its time it is neither sent nor signed again, and not called off while it could land."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=10))
    desk.step("late", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    desk.clock.advance(11)
    desk.step("late")

    assert (State.BROADCAST, 0) == (desk.entry("late").state, desk.effects("late"))
    desk.node.expire()
    entry = desk.settle("late")
    assert (State.CANCELLED, "expired", 1, 0) == (
        entry.state,
        entry.reason,
        len(entry.payloads),
        desk.effects("late"),
    )


def test_an_unwanted_effect_that_lands_all_the_same_is_confirmed(desk: Desk) -> None:
    """The chain's word counts, late as it is."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=10))
    desk.step("late")
    desk.clock.advance(11)
    entry = desk.settle("late")

    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("late"))


def test_a_provider_of_another_cluster_never_sees_the_bytes(faulty_desk: Desk, faults: FaultProxy) -> None:
    """One URL of two is wrong: it is left out of reads and of broadcasts."""
    faults["primary"].inject(genesis_hash="5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
    faulty_desk.record("pay-1")
    faulty_desk.step("pay-1")

    assert 0 == faults["primary"].calls()["sendTransaction"]
    assert AMOUNT_LAMPORTS == faulty_desk.node.balance(recipient("pay-1"))


def look(desk: Desk, key: str) -> None:
    """One run of the task, which may end for the moment because the RPCs do not agree."""
    desk.wait_until_due(key)
    task = desk.claim(key)
    try:
        outcome = desk.outbox().advance(desk.entry(key).id, task.fence)
    except (NoQuorum, RpcUnavailable, ChainUnreadable) as disagreed:
        desk.tasks.finish(task.fence, disagreed)
    else:
        desk.tasks.finish(task.fence, outcome)
