"""What an obligation comes to when nothing goes wrong, and in which order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.errors import Conflict, KeyUnavailable
from kernel.outbox.evm import IntentChanged, OutboxEntry, Purpose, State
from kernel.outbox.settling import SettlementRefused
from kernel.postgres import Transaction
from kernel.tasks import Done, Fence, Retry, TaskSpec, TaskTaken
from tests.chain.outbox.desk import REVERTING_CODE, Desk, recipient

pytestmark = pytest.mark.chain


def test_an_obligation_becomes_one_confirmed_transaction(desk: Desk) -> None:
    """Recorded with the caller's transaction, sent in the first run of its task, confirmed in the next."""
    desk.record("pay-1")

    assert desk.entry("pay-1").state == State.RECORDED
    first = desk.step("pay-1")
    assert isinstance(first, Retry)
    assert desk.entry("pay-1").state == State.BROADCAST
    second = desk.step("pay-1")
    assert isinstance(second, Done)
    entry = desk.entry("pay-1")
    assert (entry.state, desk.received("pay-1"), entry.gas_used, entry.alarm) == (State.CONFIRMED, 7, 21_000, None)
    assert desk.tasks.about("pay-1")[0].state == "done"


def test_nothing_is_leased_when_the_callers_transaction_fails(desk: Desk) -> None:
    """Lease, payload and task are part of the business change: undone together, without a gap."""
    with pytest.raises(ZeroDivisionError), desk.postgres.transaction() as tx:
        desk.outbox().record(tx, desk.intent("undone"))
        raise ZeroDivisionError
    desk.record("kept")

    assert None is desk.outbox().entry("undone")
    assert desk.tasks.about("undone") == []
    assert desk.entry("kept").nonce == 0


def test_recording_again_changes_nothing(desk: Desk) -> None:
    """The business key names the obligation: the same entry comes back, with no second lease or task."""
    (first,) = desk.record("pay-1")
    (again,) = desk.record("pay-1")
    twice = desk.record("pay-2", "pay-1", "pay-2")

    assert first == again == twice[1]
    assert twice[0] == twice[2]
    assert [desk.entry("pay-1").nonce, desk.entry("pay-2").nonce] == [0, 1]
    assert len(desk.tasks.about("pay-1")) == 1


def test_another_effect_under_the_same_key_is_refused(desk: Desk) -> None:
    """A key that suddenly means something else is a mistake of the caller."""
    desk.record("pay-1")

    with pytest.raises(IntentChanged):
        desk.record("pay-1", value_wei=8)
    assert desk.entry("pay-1").value_wei == 7


def test_recording_again_under_another_kind_of_task_is_refused(desk: Desk) -> None:
    """The first kind's task submits it; a second kind would wait for ever for a task that never comes."""
    desk.record("pay-1", submit_kind="oracle.submit_fast")
    desk.record("pay-1", submit_kind="oracle.submit_fast")

    with pytest.raises(IntentChanged):
        desk.record("pay-1")
    with pytest.raises(IntentChanged):
        desk.record("pay-1", submit_kind="oracle.submit_slow")


def test_a_task_of_another_purpose_under_the_key_is_no_submit_task(desk: Desk) -> None:
    """The kind belongs to other work: recording would silently leave the entry without a worker."""
    commit = TaskSpec(kind="oracle.commit", business_key="pay-1", payload={"round": 7}, run_at=desk.clock.now())
    desk.tasks.enqueue([commit])

    with pytest.raises(TaskTaken):
        desk.record("pay-1", submit_kind="oracle.commit")
    assert desk.outbox().entry("pay-1") is None
    desk.record("pay-1")
    assert desk.entry("pay-1").nonce == 0


def test_another_services_obligation_under_the_same_key_is_refused(desk: Desk) -> None:
    """Two services owe two effects: one of them would otherwise never happen."""
    desk.record("pay-1")

    with pytest.raises(IntentChanged):
        desk.record("pay-1", service="bridge")


def test_one_key_with_two_effects_in_one_call_is_refused(desk: Desk) -> None:
    """Neither is guessed to be the right one."""
    with pytest.raises(IntentChanged), desk.postgres.transaction() as tx:
        desk.outbox().record_many(tx, [desk.intent("pay-1"), desk.intent("pay-1", value_wei=8)])
    assert desk.outbox().entry("pay-1") is None


def test_a_signer_that_nobody_holds_is_refused(desk: Desk) -> None:
    """An obligation that cannot be signed is not recorded."""
    with pytest.raises(KeyUnavailable):
        desk.record("pay-1", signer=recipient("stranger"))
    assert None is desk.outbox().entry("pay-1")


def test_entries_of_one_signer_are_mined_in_the_order_recorded(desk: Desk) -> None:
    """Two intents, worked backwards: the nonces keep the order of recording."""
    desk.record("first")
    desk.record("second")
    desk.step("second")

    assert desk.received("second") == 0
    desk.settle("first")
    desk.settle("second")
    assert [desk.entry("first").nonce, desk.entry("second").nonce] == [0, 1]
    assert [desk.received("first"), desk.received("second")] == [7, 7]


def test_fifty_in_flight_from_one_signer_are_all_mined_without_a_gap(desk: Desk) -> None:
    """Fifty are broadcast before any is mined; each happens once."""
    keys = [f"pay-{number}" for number in range(50)]
    desk.hold_blocks()
    desk.record(*keys)
    outbox = desk.outbox()
    for key in reversed(keys):
        desk.step(key, outbox)

    pending = int(desk.node.rpc("txpool_status")["pending"], 16)
    desk.node.mine()
    for key in keys:
        desk.step(key, outbox)
    assert pending == 50
    assert list(range(50)) == [desk.entry(key).nonce for key in keys]
    assert {State.CONFIRMED} == {desk.entry(key).state for key in keys}
    assert [desk.received(key) for key in keys] == [7] * 50
    assert desk.nonce() == 50
    desk.record("after")
    assert desk.entry("after").nonce == 50


def test_a_signer_with_a_past_begins_at_the_chains_nonce(desk: Desk) -> None:
    """The first lease asks the chain, pending transactions included."""
    desk.hold_blocks()
    desk.node.rpc("anvil_impersonateAccount", desk.signer.address)
    desk.node.rpc("eth_sendTransaction", {"from": desk.signer.address, "to": recipient("before"), "value": "0x1"})
    desk.outbox().open_signers()
    desk.record("pay-1")

    assert desk.entry("pay-1").nonce == 1
    assert desk.settle("pay-1", mine=True).state == State.CONFIRMED


def test_a_reverted_transaction_ends_failed(desk: Desk) -> None:
    """Receipt status 0 is a failure: the nonce is used, nothing happened, nothing is tried again."""
    desk.node.rpc("anvil_setCode", recipient("refuser"), REVERTING_CODE)
    desk.record("pay-1", to=recipient("refuser"), gas_limit=100_000)

    entry = desk.settle("pay-1")
    assert (entry.state, entry.reason) == (State.FAILED, "reverted")
    assert desk.nonce() == 1
    assert len(entry.payloads) == 1


def test_the_business_learns_of_the_end_in_the_completing_transaction(desk: Desk) -> None:
    """The caller's effect, the settled entry and the task's completion commit together, or none does."""
    (entry_id,) = desk.record("pay-1")
    desk.step("pay-1")
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.outbox().advance(entry_id, task.fence, settled=fail)
    assert (desk.entry("pay-1").state, desk.tasks.about("pay-1")[0].state) == (State.BROADCAST, "leased")

    learnt = []
    desk.outbox().advance(entry_id, task.fence, settled=lambda _, entry: learnt.append(entry.state))
    assert learnt == [State.CONFIRMED]
    assert (desk.entry("pay-1").state, desk.tasks.about("pay-1")[0].state) == (State.CONFIRMED, "done")


def test_a_business_that_refuses_the_end_is_parked_not_dropped(desk: Desk) -> None:
    """What is final cannot be refused: the task waits for an operator instead of vanishing with the entry open."""

    def refuse(_tx: Transaction, _entry: OutboxEntry) -> None:
        raise Conflict("The order is closed already.")

    (entry_id,) = desk.record("pay-1")
    desk.step("pay-1")
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")
    with pytest.raises(SettlementRefused) as refused:
        desk.outbox().advance(entry_id, task.fence, refuse)
    desk.tasks.finish(task.fence, refused.value)

    assert [record.state for record in desk.tasks.about("pay-1")] == ["parked"]
    assert not desk.entry("pay-1").settled


def test_the_submit_task_is_sent_at_once_and_again_as_asked(desk: Desk) -> None:
    """A window shorter than a lease: further messages stand ready before the commit, for whoever replaces the dead."""
    desk.record("pay-1", resend_s=(5, 10), correlation_id="round-812576")

    sent = [(message.queue, message.delay_s, dict(message.attributes)) for message in desk.queue.sent]
    attributes = {"correlation_id": "round-812576"}
    assert sent == [("oracle-submit-transaction", delay_s, attributes) for delay_s in (5, 10, 0)]


def test_a_settled_entry_is_left_alone(desk: Desk) -> None:
    """A late message about a finished obligation finds it done."""
    (entry_id,) = desk.record("pay-1")
    desk.settle("pay-1")
    (record,) = desk.tasks.about("pay-1")
    outcome = desk.outbox().advance(entry_id, Fence(record.id, 0))

    assert isinstance(outcome, Done)
    assert desk.received("pay-1") == 7


def test_a_mined_entry_waits_for_the_finalized_tag(desk: Desk) -> None:
    """Without a number of confirmations the node's own finality decides."""
    desk.policy = replace(desk.policy, confirmations=None)
    desk.record("pay-1")
    desk.step("pay-1")
    desk.step("pay-1")

    assert desk.entry("pay-1").state == State.MINED
    desk.node.mine(2)
    assert desk.settle("pay-1").state == State.CONFIRMED


def test_a_mined_entry_waits_for_its_confirmations(desk: Desk) -> None:
    """Three confirmations: its own block and two more."""
    desk.policy = replace(desk.policy, confirmations=3)
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.mine(1)
    desk.step("pay-1")

    assert desk.entry("pay-1").state == State.MINED
    desk.node.mine(1)
    desk.step("pay-1")
    assert desk.entry("pay-1").state == State.CONFIRMED


def test_an_entry_past_its_time_is_filled_by_a_cancellation(desk: Desk) -> None:
    """Nobody came in time: the nonce is used by a transfer of nothing, so that the next one is mined."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=5))
    desk.record("next")
    desk.step("next")
    desk.clock.advance(6)
    entry = desk.settle("late")

    assert (entry.state, entry.reason, desk.received("late")) == (State.CANCELLED, "expired", 0)
    assert [payload.purpose for payload in entry.payloads] == [Purpose.CANCELLATION]
    assert desk.settle("next").state == State.CONFIRMED
    assert desk.received("next") == 7
