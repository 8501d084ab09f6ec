"""What nodes and providers do wrong, and what becomes of an entry: still one effect, or a documented end."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Faults
from kernel.errors import WrongChain
from kernel.evm.blocks import hexadecimal, quantity
from kernel.evm.fees import GWEI, FeePolicy
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call, RpcUnavailable
from kernel.outbox.evm import Purpose, State
from kernel.tasks import Retry
from tests.chain.outbox.desk import ETHER, Desk, recipient

pytestmark = pytest.mark.chain


@pytest.mark.parametrize("send", ["error", "lost"])
def test_a_node_that_accepts_and_then_answers_an_error(faulty_desk: Desk, fault_proxy: FaultProxy, send: str) -> None:
    """The transaction is out although every answer says otherwise: it is found by its stored hash."""
    faulty_desk.record("pay-1")
    with_faults = Faults.from_json({"send": send})
    fault_proxy.inject(with_faults)
    faulty_desk.step("pay-1")

    assert faulty_desk.entry("pay-1").state == State.SIGNED
    entry = faulty_desk.settle("pay-1")
    assert (
        entry.state,
        faulty_desk.received("pay-1"),
        faulty_desk.nonce(),
        len(entry.payloads),
    ) == (State.CONFIRMED, 7, 1, 1)


def test_a_node_that_swallows_what_it_accepts(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """A hash is no proof: the bytes are unknown at the next look, and are sent again."""
    faulty_desk.record("pay-1")
    fault_proxy.inject(send="swallowed")
    faulty_desk.step("pay-1")

    assert (faulty_desk.entry("pay-1").state, faulty_desk.nonce()) == (State.BROADCAST, 0)
    fault_proxy.heal()
    entry = faulty_desk.settle("pay-1")
    assert (entry.state, faulty_desk.received("pay-1"), len(entry.payloads)) == (State.CONFIRMED, 7, 1)


def test_one_provider_of_two_is_enough(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """The first is away from start to end."""
    fault_proxy["primary"].inject(outage=True)
    faulty_desk.record("pay-1")

    assert faulty_desk.settle("pay-1").state == State.CONFIRMED
    assert faulty_desk.received("pay-1") == 7


def test_every_provider_away_is_waited_out(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """Transient, so that the task is rescheduled; afterwards the entry goes on where it was."""
    faulty_desk.record("pay-1")
    fault_proxy.inject(outage=True)

    with pytest.raises(RpcUnavailable):
        faulty_desk.step("pay-1")
    fault_proxy.heal()
    assert faulty_desk.settle("pay-1").state == State.CONFIRMED


def test_a_transaction_dropped_from_the_pool_is_sent_again_unchanged(desk: Desk) -> None:
    """The node forgot it: the same bytes, not a new signature."""
    desk.hold_blocks()
    desk.record("pay-1")
    desk.step("pay-1")
    first = desk.entry("pay-1").payloads[0]
    desk.node.rpc("anvil_dropTransaction", hexadecimal(first.hash))
    desk.step("pay-1")
    desk.node.mine()

    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, first.hash, 1) == (entry.state, entry.transaction_hash, len(entry.payloads))


def test_a_stuck_transaction_is_replaced_at_its_nonce_with_both_fees_raised(desk: Desk) -> None:
    """Next in line and not mined for 30 s: the same effect again, an eighth dearer at least."""
    desk.hold_blocks()
    desk.record("pay-1")
    desk.step("pay-1")
    desk.clock.advance(30)
    desk.step("pay-1")

    first, second = desk.entry("pay-1").payloads
    assert (first.purpose, second.purpose) == (Purpose.EFFECT, Purpose.EFFECT)
    assert 8 * second.fees.max_fee_wei >= 9 * first.fees.max_fee_wei
    assert 8 * second.fees.tip_wei >= 9 * first.fees.tip_wei
    desk.node.mine()
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, second.hash, 7, 1) == (
        entry.state,
        entry.transaction_hash,
        desk.received("pay-1"),
        desk.nonce(),
    )


def test_the_older_payload_may_win_after_a_replacement(desk: Desk) -> None:
    """Whichever of our hashes the chain takes decides; here the cheaper one, mined before the replacement arrived."""
    desk.hold_blocks()
    desk.record("pay-1")
    desk.step("pay-1")
    first = desk.entry("pay-1").payloads[0]
    desk.clock.advance(30)
    desk.step("pay-1")
    second = desk.entry("pay-1").payloads[1]
    desk.node.rpc("anvil_dropTransaction", hexadecimal(second.hash))
    desk.node.rpc("eth_sendRawTransaction", hexadecimal(first.raw))
    desk.node.mine()

    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, first.hash, 7) == (entry.state, entry.transaction_hash, desk.received("pay-1"))


def test_the_fee_cap_raises_an_alarm_and_the_entry_is_still_watched(desk: Desk) -> None:
    """No replacement above the cap; a person is called; the pending bytes may still be mined, and then they count."""
    desk.hold_blocks()
    desk.policy = replace(desk.policy, fees=FeePolicy(fee_cap_wei=3 * GWEI, tip_cap_wei=GWEI))
    desk.record("pay-1")
    desk.step("pay-1")
    for _ in range(3):
        desk.clock.advance(40)
        desk.step("pay-1")

    entry = desk.entry("pay-1")
    assert entry.alarm == "fee_cap"
    assert [alarmed.business_key for alarmed in desk.outbox().alarmed()] == ["pay-1"]
    assert max(payload.fees.max_fee_wei for payload in entry.payloads) <= 3 * GWEI
    desk.node.mine()
    assert (desk.settle("pay-1").state, desk.entry("pay-1").alarm) == (State.CONFIRMED, None)


def test_an_unfunded_signer_raises_an_alarm_and_goes_on_once_funded(desk: Desk) -> None:
    """Raising the fee would only make it worse: the same bytes are sent again."""
    desk.node.rpc("anvil_setBalance", desk.signer.address, "0x1")
    desk.record("pay-1")
    desk.step("pay-1")
    desk.clock.advance(60)
    desk.step("pay-1")

    assert desk.entry("pay-1").alarm == "unfunded"
    desk.fund(desk.signer.address)
    entry = desk.settle("pay-1")
    assert (entry.state, entry.alarm, len(entry.payloads)) == (State.CONFIRMED, None, 1)


def test_a_payload_that_no_node_takes_ends_cancelled(desk: Desk) -> None:
    """The gas limit is above the block's: the nonce is filled by a cancellation, and later ones are mined."""
    desk.record("too-large", gas_limit=10**9)
    desk.record("next")
    entry = desk.settle("too-large")

    assert (entry.state, entry.reason, desk.received("too-large")) == (State.CANCELLED, "unacceptable", 0)
    assert desk.settle("next").state == State.CONFIRMED


def test_an_entry_that_expires_in_the_pool_is_cancelled_by_a_dearer_no_op(desk: Desk) -> None:
    """Broadcast but not mined in time: the cancellation competes for the same nonce, and wins here."""
    desk.hold_blocks()
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=10), data=b"\x01")
    desk.step("late")
    desk.clock.advance(11)
    desk.step("late")
    desk.node.mine()

    entry = desk.settle("late")
    mined = desk.node.rpc("eth_getTransactionByHash", hexadecimal(entry.transaction_hash or b""))
    assert [payload.purpose for payload in entry.payloads] == [Purpose.EFFECT, Purpose.CANCELLATION]
    assert (quantity(mined["value"]), mined["input"], mined["to"]) == (0, "0x", desk.signer.address.lower())
    assert (entry.state, entry.reason, desk.received("late"), desk.nonce()) == (State.CANCELLED, "expired", 0, 1)


def test_the_effect_may_win_against_its_cancellation(desk: Desk) -> None:
    """A block took the effect first: the entry is confirmed, late as it is, and only then."""
    desk.hold_blocks()
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=10))
    desk.step("late")
    effect = desk.entry("late").payloads[0]
    desk.node.mine()
    desk.clock.advance(11)

    entry = desk.settle("late")
    assert (State.CONFIRMED, effect.hash, 7) == (entry.state, entry.transaction_hash, desk.received("late"))


def test_a_reorganised_receipt_reopens_the_entry(desk: Desk) -> None:
    """The block is gone before it was final: the same bytes go out again, once."""
    desk.policy = replace(desk.policy, confirmations=5)
    before = desk.node.snapshot()
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.child.wait_until(lambda: desk.nonce() == 1)
    desk.step("pay-1")
    assert desk.entry("pay-1").state == State.MINED
    desk.node.revert(before)
    desk.fund(desk.signer.address)
    desk.step("pay-1")

    assert desk.entry("pay-1").state == State.BROADCAST
    entry = desk.settle("pay-1", mine=True)
    assert (entry.state, len(entry.payloads), desk.received("pay-1"), desk.nonce()) == (State.CONFIRMED, 1, 7, 1)


def test_a_chain_of_another_id_is_refused_with_its_remedy(desk: Desk) -> None:
    """Nothing is recorded for a chain that the endpoints do not belong to."""
    desk.node = replace(desk.node, chain_id=14)

    with pytest.raises(WrongChain) as refused:
        desk.record("pay-1")
    assert "Correct the RPC URLs or the chain id in the settings." in str(refused.value)
    assert None is desk.outbox().entry("pay-1")


def test_a_container_of_another_chain_does_not_start(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """Also when its signers leased long ago: it would park the task of every open nonce. Silence lets it start."""
    faulty_desk.outbox().open_signers()
    fault_proxy.inject(chain_id=14)
    with pytest.raises(WrongChain):
        faulty_desk.outbox().open_signers()
    fault_proxy.inject(outage=True)
    faulty_desk.outbox().open_signers()

    fault_proxy.heal()
    faulty_desk.record("pay-1")
    assert faulty_desk.settle("pay-1").state == State.CONFIRMED


def test_an_endpoint_of_another_chain_never_sees_the_bytes(
    anvil: AnvilNode, start_anvil: Callable[..., AnvilNode], database_url: str
) -> None:
    """One URL of two is wrong: it is left out of reads and of broadcasts."""
    other = start_anvil(chain_id=99, name="other-chain")
    desk = Desk(anvil, database_url, (other.url, anvil.url))
    desk.record("pay-1")

    assert desk.settle("pay-1").state == State.CONFIRMED
    assert other.block_number() == 0


def test_a_foreign_transaction_displaces_the_entry_to_a_new_nonce(desk: Desk) -> None:
    """Another program used our nonce, finally: none of our bytes can be mined any more, and the obligation goes on."""
    desk.record("pay-1")
    spend_elsewhere(desk)
    desk.step("pay-1")
    desk.step("pay-1")

    entry = desk.entry("pay-1")
    assert (entry.nonce, entry.leases, entry.state, entry.payloads) == (1, 2, State.RECORDED, ())
    assert "nonce 0 was used by a foreign transaction: 0x" in (entry.reason or "")
    entry = desk.settle("pay-1")
    assert (entry.state, desk.received("pay-1"), desk.nonce()) == (State.CONFIRMED, 7, 2)
    assert [row["nonce"] for row in desk.rows("select nonce from kernel.evm_payloads order by nonce")] == [0, 1]


def test_a_displaced_entry_passes_every_nonce_that_others_used(desk: Desk) -> None:
    """The new lease starts where the chain is, and later leases behind it."""
    desk.record("pay-1")
    for _ in range(3):
        spend_elsewhere(desk)
    desk.settle("pay-1")
    desk.record("pay-2")

    assert desk.entry("pay-1").leases == 2
    assert [desk.entry("pay-1").nonce, desk.entry("pay-2").nonce] == [3, 4]
    assert desk.settle("pay-2").state == State.CONFIRMED


def test_a_displaced_entry_past_its_time_ends_cancelled(desk: Desk) -> None:
    """The effect is no longer wanted, and its nonce is used: nothing is left to do."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=5))
    spend_elsewhere(desk)
    desk.step("late")
    desk.clock.advance(6)

    entry = desk.settle("late")
    assert (entry.state, desk.received("late"), entry.transaction_hash) == (State.CANCELLED, 0, None)
    assert "foreign transaction" in (entry.reason or "")
    assert desk.nonce() == 1


def test_a_foreign_transaction_is_not_believed_before_it_is_final(desk: Desk) -> None:
    """Until then a reorganisation may give the nonce back to us, so no new one is leased."""
    desk.policy = replace(desk.policy, confirmations=4)
    desk.node.mine(10)
    desk.record("pay-1")
    spend_elsewhere(desk)
    desk.step("pay-1")
    outcome = desk.step("pay-1")

    assert isinstance(outcome, Retry)
    assert (desk.entry("pay-1").nonce, desk.entry("pay-1").leases) == (0, 1)
    desk.node.mine(4)
    desk.step("pay-1")
    assert (desk.entry("pay-1").nonce, desk.entry("pay-1").leases) == (1, 2)


class ForgetfulPool(RpcPool):
    """Its first node knows no receipt of ours, and swears that the nonce was used before we ever signed."""

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        ours = {"eth_getTransactionByHash", "eth_getTransactionReceipt"}
        answers = zip(calls, super().batch(calls), strict=True)
        return [None if method in ours else answer for (method, _), answer in answers]

    def nonce_agreed(self, address: str, block: int) -> int:
        return 9 if block > 0 else super().nonce_agreed(address, block)


def test_a_node_that_denies_our_transaction_does_not_cost_a_second_effect(desk: Desk) -> None:
    """Whether a nonce is lost is asked of every node, and one that knows our receipt is enough: it is ours."""
    desk.node.mine(200)  # so that the search for the nonce's use begins after the genesis
    desk.record("pay-1")
    desk.step("pay-1")
    desk.step("pay-1", desk.outbox(pool=ForgetfulPool(desk.urls, desk.node.chain_id, desk.clock)))

    entry = desk.entry("pay-1")
    assert (entry.state, entry.nonce, entry.leases) == (State.CONFIRMED, 0, 1)
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_a_nonce_that_nobody_will_use_is_alarmed(desk: Desk) -> None:
    """The chain waits for a nonce below our first: another program leased it and never sent it."""
    desk.hold_blocks()
    desk.node.rpc("anvil_setNonce", desk.signer.address, "0x5")
    desk.outbox().open_signers()
    desk.node.rpc("anvil_setNonce", desk.signer.address, "0x3")
    desk.record("pay-1")
    desk.step("pay-1")
    desk.clock.advance(31)
    desk.step("pay-1")

    assert (desk.entry("pay-1").nonce, desk.entry("pay-1").alarm) == (5, "nonce_gap")


def test_a_stale_provider_is_not_asked(faulty_desk: Desk, fault_proxy: FaultProxy) -> None:
    """The first provider's head stands still: it would call a mined transaction unknown for ever."""
    fault_proxy["primary"].inject(stale_head=faulty_desk.node.block_number())
    faulty_desk.node.mine(20)
    faulty_desk.record("pay-1")

    assert faulty_desk.settle("pay-1").state == State.CONFIRMED
    assert fault_proxy["primary"].calls()["eth_getTransactionReceipt"] == 0


def spend_elsewhere(desk: Desk) -> None:
    """Another wallet program that holds the same key sends a transaction of its own."""
    desk.node.rpc("anvil_impersonateAccount", desk.signer.address)
    count = quantity(desk.node.rpc("eth_getTransactionCount", desk.signer.address, "latest"))
    wanted = {"to": recipient("elsewhere"), "value": hex(ETHER), "nonce": hex(count)}
    desk.node.send(**{"from": desk.signer.address, **wanted})
