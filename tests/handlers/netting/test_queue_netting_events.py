"""queue_netting_events: what a transaction of the program did is read by a quorum, kept and booked once."""

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from kernel import base58
from tests.handlers.netting.stage import (
    AUTHORITY,
    BUYER,
    EVENTS,
    INDEX,
    MINT,
    OTHER_PROGRAM,
    PLACES,
    SELLER,
    Call,
    Stage,
    call,
    funds,
    item,
    ledger,
    sale,
    settled,
)

pytestmark = pytest.mark.handlers
OTHER_MINT = base58.encode(b"\x2d" * 32)


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """A deployment that has heard of nothing."""
    with Stage.open(database_url) as stage:
        yield stage


def deposit_item(number: int, owner: str) -> Call:
    return call("deposit_item", [PLACES.item(number), owner, AUTHORITY], struct.pack("<Q", number))


def alarms(caplog: pytest.LogCaptureFixture) -> set[Any]:
    return {record.__dict__["alarm"] for record in caplog.records if "alarm" in record.__dict__}


def test_a_deposit_is_kept_and_booked(stage: Stage) -> None:
    """The balance as the account has it, the posting as the instruction says."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    signature = stage.program.did(funds("deposit", SELLER, 70))
    stage.tell(signature)
    [told] = [body for topic, body in stage.kernel.news.published if topic == f"netting:{SELLER}"]

    assert {SELLER: 70} == stage.balances() == stage.booked()
    assert ("funds_deposited", "70", signature) == (told["event"], told["amount_lamports"], told["signature"])


def test_an_event_of_another_program_in_a_call_of_the_same_transaction(stage: Stage) -> None:
    """It says our event's very bytes around a deposit of ours: the deposit is booked, and no batch was settled."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    stage.tell(
        stage.program.did(
            funds("deposit", SELLER, 70, by=OTHER_PROGRAM, said_by_caller=[settled(5)]),
            Call(b"\1" * 8, [SELLER], said=[settled(6)], program=OTHER_PROGRAM),
        )
    )

    assert {SELLER: 70} == stage.booked()
    assert [] == stage.tasks(INDEX)


def test_another_programs_instruction_of_our_bytes_moves_nothing(stage: Stage) -> None:
    """A deposit's bytes to a program that is not ours."""
    stage.tell(stage.program.did(funds("deposit", SELLER, 70, program=OTHER_PROGRAM)))

    assert ({}, {}) == (stage.booked(), stage.balances())
    assert [("skipped", "skipped")] == stage.tasks(EVENTS)


def test_a_batch_that_another_program_had_settled_is_one(stage: Stage) -> None:
    """The authority signs for whoever calls: what our program did counts, at whatever depth."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 10))
    stage.program.holds(PLACES.ledger(BUYER), ledger(BUYER, 0))
    stage.tell(stage.program.did(sale(5, 10, by=OTHER_PROGRAM)))

    assert ["netting:5:index"] == [
        row["business_key"] for row in stage.rows("select business_key from kernel.tasks where kind = %(k)s", k=INDEX)
    ]


def test_a_whole_batch_behind_a_log_that_was_cut_off(stage: Stage) -> None:
    """Its instruction tells all of it."""
    stage.tell(stage.program.did(sale(5, 10), is_cut=True))

    assert 1 == len(stage.tasks(INDEX))


def test_a_part_whose_log_was_cut_off_is_for_a_person(stage: Stage) -> None:
    """Whether it was the last one stands behind the end."""
    part = struct.pack("<QIIII", 5, 0, 0, 0, 0)
    stage.tell(stage.program.did(call("settle_part", [AUTHORITY] * 3, part), is_cut=True))

    assert [("parked", "program_unread")] == stage.tasks(EVENTS)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(call("invented", [SELLER] * 9), id="an instruction that the program does not have"),
        pytest.param(call("deposit", [SELLER] * 3, b"\1"), id="a deposit that ends early"),
        pytest.param(sale(5, 10, said=[]), id="a batch without a word"),
        pytest.param(sale(5, 10, said=[settled(6)]), id="a batch under another's number"),
        pytest.param(sale(5, 10, said=[b"\0" * 64]), id="an event of no name"),
        pytest.param(sale(5, 10, said=[settled(5)[:-1]]), id="an event that ends early"),
    ],
)
def test_what_is_malformed_is_for_a_person(stage: Stage, odd: Call) -> None:
    """Nothing of the transaction is kept: another program stands there."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    stage.tell(stage.program.did(funds("deposit", SELLER, 70), odd))

    assert [("parked", "program_unread")] == stage.tasks(EVENTS)
    assert ({}, {}) == (stage.booked(), stage.balances())


def test_an_account_of_another_shape_is_for_a_person(stage: Stage) -> None:
    """The program owns it and it is none of its accounts."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70) + b"\0")
    stage.tell(stage.program.did(funds("deposit", SELLER, 70)))

    assert [("parked", "program_unfit")] == stage.tasks(EVENTS)
    assert {} == stage.booked()


def test_lamports_at_a_closed_account_are_no_item(stage: Stage) -> None:
    """Somebody sent some there after the item had left: it belongs to the system, and holds nothing of ours."""
    stage.program.holds(PLACES.item(1), item(1, SELLER))
    stage.tell(stage.program.did(deposit_item(1, SELLER), mints=[MINT]))
    stage.program.holds(PLACES.item(1), b"", owner="1" * 32)
    stage.tell(stage.program.did(call("withdraw_item", [PLACES.item(1), SELLER, AUTHORITY]), mints=[MINT]))

    assert [None] == [row["owner"] for row in stage.rows("select owner from netting.item_ownership")]
    assert ["deposited", "withdrawn"] == [
        row["event"] for row in stage.rows("select event from netting.item_history order by id")
    ]


@pytest.mark.parametrize(
    ("number", "mint", "alarm"),
    [(9, MINT, "netting.item_unregistered"), (1, OTHER_MINT, "netting.item_mint_differs")],
)
def test_an_item_in_escrow_that_is_none_of_ours(
    stage: Stage, caplog: pytest.LogCaptureFixture, number: int, mint: str, alarm: str
) -> None:
    """The authority has signed what nobody registered: a person is called, and nobody owns our item by it."""
    stage.program.holds(PLACES.item(number), item(number, SELLER, mint))
    stage.tell(stage.program.did(deposit_item(number, SELLER), mints=[mint]))

    assert alarm in alarms(caplog)
    assert [None] == [row["owner"] for row in stage.rows("select owner from netting.item_ownership")]
    assert [] == stage.rows("select * from netting.item_history")


def test_an_exit_that_is_told_before_its_deposit_waits_for_it(stage: Stage) -> None:
    """No account goes below zero; both are booked in the end."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 20))
    deposit, exit_ = stage.program.did(funds("deposit", SELLER, 70)), stage.program.did(funds("withdraw", SELLER, 50))
    stage.tell(exit_)
    early = stage.booked()
    stage.tell(deposit)
    stage.clock.advance(2)
    stage.work()

    assert ({}, {SELLER: 20}) == (early, stage.booked())
    assert [("done", None)] * 2 == stage.tasks(EVENTS)


def test_a_transaction_that_never_happened_is_skipped(stage: Stage) -> None:
    """A forged hint: nobody knows the signature, and it can land no more."""
    stage.tell(base58.encode(b"\x63" * 64))

    assert [("skipped", "skipped")] == stage.tasks(EVENTS)


def test_a_failed_transaction_moves_nothing(stage: Stage) -> None:
    """It is final, and failed."""
    stage.tell(stage.program.did(funds("deposit", SELLER, 70), error="AccountInUse"))

    assert ({}, [("skipped", "skipped")]) == (stage.booked(), stage.tasks(EVENTS))
