"""The plain life of Solana effects: recorded, landed, final, and counted by what the recipient holds."""

import os
import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.errors import Conflict, KeyUnavailable, WrongChain
from kernel.keys.solana import LocalSolanaSigner, SolanaAddressInvalid
from kernel.outbox.settling import SettlementRefused
from kernel.outbox.solana import SolanaEntry, SolanaIntentChanged, State
from kernel.outbox.solana.entries import SolanaIntentInvalid, SolanaIntentTooLarge
from kernel.outbox.solana.signing import DISTINCT_LIMITS
from kernel.postgres import Transaction
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM, LOOKUP_TABLE_PROGRAM
from kernel.solana.transactions import UNIT_CAP, Instruction, system_transfer
from kernel.tasks import Done, Fence, Retry, TaskSpec, TaskTaken
from tests.chain.outbox_solana.desk import AMOUNT_LAMPORTS, Desk, recipient

pytestmark = pytest.mark.chain


def test_an_effect_is_signed_sent_landed_and_final(desk: Desk) -> None:
    """Each look takes it one state further; the end carries signature, slot and fee."""
    desk.record("pay-1")
    states = [desk.entry("pay-1").state]
    for blocks in (1, 31, 0):
        desk.step("pay-1")
        states.append(desk.entry("pay-1").state)
        desk.node.mine(blocks)
    entry = desk.settle("pay-1")

    assert [State.RECORDED, State.BROADCAST, State.LANDED, State.CONFIRMED] == states
    assert (1, 1, entry.payloads[0].signature) == (desk.effects("pay-1"), len(entry.payloads), entry.signature)
    spent = 100 * 10**9 - desk.node.balance(desk.payer)
    assert spent == AMOUNT_LAMPORTS + (entry.fee_lamports or 0)


def test_nothing_is_owed_when_the_callers_transaction_fails(desk: Desk) -> None:
    """Entry and task are part of the business change: undone together."""
    with pytest.raises(ZeroDivisionError), desk.postgres.transaction() as tx:
        desk.outbox().record(tx, desk.intent("undone"))
        raise ZeroDivisionError

    assert (None, []) == (desk.outbox().entry("undone"), desk.tasks.about("undone"))


def test_recording_again_changes_nothing(desk: Desk) -> None:
    """The business key names the obligation: the same entry comes back, with no second task."""
    (first,) = desk.record("pay-1")
    (again,) = desk.record("pay-1", valid_until=desk.clock.now() + timedelta(hours=1), compute_unit_limit=5_000)
    twice = desk.record("pay-2", "pay-1", "pay-2")

    assert first == again == twice[1]
    assert twice[0] == twice[2]
    assert [1, 1] == [len(desk.tasks.about(key)) for key in ("pay-1", "pay-2")]


@pytest.mark.parametrize("change", ["service", "payer", "instructions", "signers", "lookup_tables", "durable_nonce"])
def test_another_effect_under_the_same_key_is_refused(desk: Desk, change: str) -> None:
    """A key that suddenly means something else is a mistake of the caller."""
    other = LocalSolanaSigner(os.urandom(32))
    desk.others[other.address] = other
    changed: dict[str, Any] = {
        "service": "contests",
        "payer": other.address,
        "instructions": (system_transfer(desk.payer, recipient("pay-1"), AMOUNT_LAMPORTS + 1),),
        "signers": (other.address,),
        "lookup_tables": (other.address,),
        "durable_nonce": other.address,
    }
    desk.record("pay-1")

    named = {"signers": (desk.payer, other.address)} if change == "payer" else {}
    with pytest.raises(SolanaIntentChanged):
        desk.record("pay-1", **{**named, change: changed[change]})
    assert desk.payer == desk.entry("pay-1").payer


def test_one_key_with_two_effects_in_one_call_is_refused(desk: Desk) -> None:
    """Neither is guessed to be the right one."""
    with pytest.raises(SolanaIntentChanged), desk.postgres.transaction() as tx:
        desk.outbox().record_many(tx, [desk.intent("pay-1"), desk.intent("pay-1", service="contests")])
    assert None is desk.outbox().entry("pay-1")


def test_a_task_of_another_purpose_under_the_key_is_no_submit_task(desk: Desk) -> None:
    """Another chain's obligation has the same key and kind: recording would leave this one without a worker."""
    elsewhere = TaskSpec(
        kind="netting.submit_transaction", business_key="pay-1", payload={"entry_id": "…"}, run_at=desk.clock.now()
    )
    desk.tasks.enqueue([elsewhere])

    with pytest.raises(TaskTaken):
        desk.record("pay-1")
    assert None is desk.outbox().entry("pay-1")
    desk.record("pay-1", submit_kind="netting.submit_solana_transaction")
    assert State.RECORDED == desk.entry("pay-1").state


def test_what_can_never_be_signed_is_not_recorded(desk: Desk) -> None:
    """A stranger's key, an unnamed signer, a budget of its own, another cluster, more than a packet holds."""
    stranger = LocalSolanaSigner(os.urandom(32)).address
    many = tuple(system_transfer(desk.payer, recipient(f"many-{number}"), 1) for number in range(40))

    with pytest.raises(KeyUnavailable):
        desk.record("pay-1", payer=stranger, signers=(desk.payer,))
    with pytest.raises(SolanaIntentInvalid):
        desk.record("pay-1", instructions=(system_transfer(stranger, desk.payer, 1),))
    with pytest.raises(SolanaIntentInvalid):
        desk.record("pay-1", instructions=())
    with pytest.raises(SolanaIntentInvalid):
        desk.record("pay-1", instructions=(Instruction(COMPUTE_BUDGET_PROGRAM, (), b"\x02\x00\x00\x00\x00"),))
    with pytest.raises(SolanaAddressInvalid):
        desk.record("pay-1", lookup_tables=("no address",))
    with pytest.raises(WrongChain):
        desk.record("pay-1", cluster="mainnet")
    with pytest.raises(SolanaIntentTooLarge):
        desk.record("pay-1", instructions=many)
    assert None is desk.outbox().entry("pay-1")


def test_what_is_owed_and_signed_can_be_rewritten_by_nobody(desk: Desk) -> None:
    """The slice's role may change what became of it, and nothing else."""
    desk.record("pay-1")
    desk.step("pay-1")

    for statement in (
        "update kernel.solana_payloads set raw = ''",
        "update kernel.solana_payloads set last_valid_block_height = 1",
        "update kernel.solana_outbox set instructions = '[]'",
        "delete from kernel.solana_payloads",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), desk.postgres.transaction() as tx:
            tx.execute(statement)


def test_the_compute_limit_comes_from_a_simulation(desk: Desk) -> None:
    """Three instructions of 150 units each, a fifth more, and what tells entries apart."""
    desk.record("measured")
    desk.record("given", compute_unit_limit=5_000)
    desk.step("measured")
    desk.step("given")

    for key, least in (("measured", 540), ("given", 5_000)):
        entry = desk.entry(key)
        assert least + entry.id.int % DISTINCT_LIMITS == entry.payloads[0].unit_limit


def test_two_obligations_to_pay_the_same_are_two_effects(desk: Desk) -> None:
    """The same amount to the same recipient over the same blockhash: not the same bytes."""
    same = (system_transfer(desk.payer, recipient("same"), AMOUNT_LAMPORTS),)
    desk.record("pay-1", "pay-2", instructions=same)
    desk.step("pay-1")
    desk.step("pay-2")

    assert {State.CONFIRMED} == {desk.settle(key).state for key in ("pay-1", "pay-2")}
    assert 2 == desk.effects("same")


def test_bytes_that_another_entry_has_are_not_sent_for_a_second_effect(desk: Desk) -> None:
    """Where nothing can tell two entries apart, at the greatest limit, the later one waits for another blockhash."""
    same = (system_transfer(desk.payer, recipient("same"), AMOUNT_LAMPORTS),)
    desk.record("pay-1", "pay-2", instructions=same, compute_unit_limit=UNIT_CAP)
    desk.step("pay-1")
    outcome = desk.step("pay-2")

    assert isinstance(outcome, Retry)
    assert ("another entry has these very bytes: wait for another blockhash", ()) == (
        outcome.reason,
        desk.entry("pay-2").payloads,
    )
    desk.node.mine()
    assert {State.CONFIRMED} == {desk.settle(key).state for key in ("pay-1", "pay-2")}
    assert 2 == desk.effects("same")


def test_several_signers_of_one_transaction(desk: Desk) -> None:
    """One pays the fee, another the amount."""
    owner = LocalSolanaSigner(os.urandom(32))
    desk.node.fund(owner.address, 10 * LAMPORTS_PER_SOL)
    desk.others[owner.address] = owner
    transfer = system_transfer(owner.address, recipient("pay-1"), AMOUNT_LAMPORTS)
    desk.record("pay-1", signers=(owner.address,), instructions=(transfer,))
    entry = desk.settle("pay-1")

    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("pay-1"))
    assert 10 * LAMPORTS_PER_SOL - AMOUNT_LAMPORTS == desk.node.balance(owner.address)
    assert (entry.fee_lamports or 0) >= 10_000


def test_a_failed_transaction_ends_failed(desk: Desk) -> None:
    """It landed with an error: the fee is paid, nothing else happened, nothing is tried again."""
    much = system_transfer(desk.payer, recipient("pay-1"), 1_000 * LAMPORTS_PER_SOL)
    desk.record("pay-1", instructions=(much,), compute_unit_limit=1_000)
    entry = desk.settle("pay-1")

    assert (State.FAILED, "the program refused it", 1) == (entry.state, entry.reason, len(entry.payloads))
    assert {"InstructionError": [2, {"Custom": 1}]} == entry.error
    assert 100 * LAMPORTS_PER_SOL - (entry.fee_lamports or 0) == desk.node.balance(desk.payer)


def test_the_business_learns_of_the_end_in_the_completing_transaction(desk: Desk) -> None:
    """The caller's effect, the settled entry and the task's completion commit together, or none does."""
    (entry_id,) = desk.record("pay-1")
    desk.step("pay-1")
    desk.node.finalize()
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.outbox().advance(entry_id, task.fence, settled=fail)
    assert (State.BROADCAST, "leased") == (desk.entry("pay-1").state, desk.tasks.about("pay-1")[0].state)

    learnt = []
    desk.outbox().advance(entry_id, task.fence, settled=lambda _, entry: learnt.append(entry.state))
    assert [State.CONFIRMED] == learnt
    assert (State.CONFIRMED, "done") == (desk.entry("pay-1").state, desk.tasks.about("pay-1")[0].state)


def test_a_business_that_refuses_the_end_is_parked_not_dropped(desk: Desk) -> None:
    """What is final cannot be refused: the task waits for an operator instead of vanishing with the entry open."""

    def refuse(_tx: Transaction, _entry: SolanaEntry) -> None:
        raise Conflict("The order is closed already.")

    (entry_id,) = desk.record("pay-1")
    desk.step("pay-1")
    desk.node.finalize()
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")
    with pytest.raises(SettlementRefused) as refused:
        desk.outbox().advance(entry_id, task.fence, refuse)
    desk.tasks.finish(task.fence, refused.value)

    assert ["parked"] == [record.state for record in desk.tasks.about("pay-1")]
    assert not desk.entry("pay-1").settled


def test_a_settled_entry_is_left_alone(desk: Desk) -> None:
    """A late message about a finished obligation finds it done."""
    (entry_id,) = desk.record("pay-1")
    desk.settle("pay-1")
    (record,) = desk.tasks.about("pay-1")

    assert isinstance(desk.outbox().advance(entry_id, Fence(record.id, 0)), Done)
    assert 1 == desk.effects("pay-1")


def test_an_entry_past_its_time_that_was_never_signed_ends_at_once(desk: Desk) -> None:
    """There is nothing on the chain to wait for."""
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=5))
    desk.clock.advance(5)
    desk.step("late")

    entry = desk.entry("late")
    assert (State.CANCELLED, "expired", ()) == (entry.state, entry.reason, entry.payloads)


def test_a_lookup_table_makes_room_for_more_accounts(desk: Desk) -> None:
    """Thirty recipients do not fit into a packet by their addresses, and do by their places in a table."""
    table = lookup_table(desk, [recipient(f"many-{number}") for number in range(30)])
    many = tuple(system_transfer(desk.payer, recipient(f"many-{number}"), AMOUNT_LAMPORTS) for number in range(30))
    desk.record("many", instructions=many, lookup_tables=(table,))

    assert State.CONFIRMED == desk.settle("many").state
    assert [1] * 30 == [desk.effects(f"many-{number}") for number in range(30)]


def test_a_lookup_table_that_is_not_there_is_alarmed_and_waited_for(desk: Desk) -> None:
    """Somebody creates it later, and the obligation goes on."""
    desk.record("pay-1", lookup_tables=(recipient("no table"),))
    desk.step("pay-1")

    assert (State.RECORDED, "account_unfit") == (desk.entry("pay-1").state, desk.entry("pay-1").alarm)
    lookup_table(desk, [recipient("pay-1")], address=recipient("no table"))
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, None) == (entry.state, entry.alarm)


def test_many_in_flight_from_one_payer_happen_once_each(desk: Desk, volume: Callable[[int, int], int]) -> None:
    """All are out before any is final; a cluster knows no order, so none waits for another."""
    count = volume(100, 500)
    keys = [f"pay-{number}" for number in range(count)]
    desk.record(*keys)
    outbox = desk.outbox()
    for key in keys:
        desk.step(key, outbox)
    desk.node.finalize()
    for key in keys:
        desk.step(key, outbox)

    entries = [desk.entry(key) for key in keys]
    assert {State.CONFIRMED} == {entry.state for entry in entries}
    assert [1] * count == [desk.effects(key) for key in keys]
    assert {1} == {len(entry.payloads) for entry in entries}
    fees = sum(entry.fee_lamports or 0 for entry in entries)
    assert 100 * LAMPORTS_PER_SOL - count * AMOUNT_LAMPORTS - fees == desk.node.balance(desk.payer)


def lookup_table(desk: Desk, addresses: list[str], address: str | None = None) -> str:
    """Write an active lookup table of long ago into the chain."""
    head = struct.pack("<IQQB", 1, 2**64 - 1, 1, 0).ljust(56, b"\0")
    content = head + b"".join(base58.decode(one) for one in addresses)
    address = address or recipient("table")
    desk.node.set_account(address, lamports=LAMPORTS_PER_SOL, owner=LOOKUP_TABLE_PROGRAM, content=content)
    return address
