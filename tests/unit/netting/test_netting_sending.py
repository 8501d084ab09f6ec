"""Whether a settlement's next transaction may be sent, by what the program's accounts hold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from functions.netting.core.accounts import Config, Item, Ledger
from functions.netting.core.packing import InParts, Part, Whole
from functions.netting.core.program_errors import UNKNOWN, name_of
from functions.netting.core.sending import GiveUp, Hold, Open, Reason, Seen, Send, decide

pytestmark = pytest.mark.unit

SALE = Whole(items=(("x", "B"),), deltas=(("A", 100), ("B", -100)))
PARTED = InParts(parts=(Part(debits=(("B", 100),)), Part(credits=(("A", 100),), items=(("x", "B"),))))


def ledger(wallet: str, locked: int, requested: int = 0) -> Ledger:
    return Ledger(wallet=wallet, locked_lamports=locked, asked_lamports=requested, requested_at_s=9 if requested else 0)


def item(owner: str, requested_at_s: int = 0) -> Item:
    return Item(number=7, owner=owner, mint="m", requested_at_s=requested_at_s)


SEEN = Seen(
    authority="us",
    config=Config(authority="us", last_batch_id=3, is_paused=False),
    ledgers={"A": ledger("A", 0), "B": ledger("B", 100)},
    items={"x": item("A")},
    owners={"x": "A"},
)


def test_what_nothing_stands_against_is_sent() -> None:
    """Whole, or in parts; the buyer's last lamport is enough."""
    assert decide(SALE, SEEN, attempts=0) == Send()
    assert decide(PARTED, SEEN, attempts=0) == Send()
    assert decide(SALE, SEEN, attempts=5) == Send()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"config": Config(authority="them", last_batch_id=3, is_paused=True)},
            Hold(Reason.WRONG_AUTHORITY, calls=True),
        ),
        ({"config": Config(authority="us", last_batch_id=3, is_paused=True)}, Hold(Reason.PAUSED)),
        ({"items": {}}, GiveUp(Reason.ITEM_GONE)),
        ({"items": {"x": item("C")}}, GiveUp(Reason.NOT_OWNER)),
        ({"owners": {"x": None}}, GiveUp(Reason.NOT_OWNER)),
        ({"ledgers": {"A": ledger("A", 0), "B": ledger("B", 99)}}, GiveUp(Reason.INSUFFICIENT_FUNDS)),
        ({"ledgers": {"A": ledger("A", 0)}}, GiveUp(Reason.INSUFFICIENT_FUNDS)),
        ({"ledgers": {"B": ledger("B", 100)}}, Open(("A",))),
    ],
)
@pytest.mark.parametrize("plan", [SALE, PARTED], ids=["whole", "parts"])
def test_what_stands_against_it(plan: Whole | InParts, changed: Mapping[str, Any], expected: object) -> None:
    """It waits, is given up, or a ledger is opened first."""
    assert decide(plan, replace(SEEN, **changed), attempts=0) == expected


@pytest.mark.parametrize(
    "changed",
    [{"items": {"x": item("A", requested_at_s=9)}}, {"ledgers": {"A": ledger("A", 0), "B": ledger("B", 100, 1)}}],
    ids=["item", "funds"],
)
def test_what_was_asked_back_stops_parts_alone(changed: Mapping[str, Any]) -> None:
    """A whole one happens at once or not at all; parts could be left half done."""
    assert decide(SALE, replace(SEEN, **changed), attempts=0) == Send()
    assert decide(PARTED, replace(SEEN, **changed), attempts=0) == GiveUp(Reason.ASKED_BACK)


def test_what_has_taken_goes_on_or_calls_a_person() -> None:
    """Its funds are with the program: nobody's ledger is asked. An item that is given already is no obstacle."""
    taken = replace(SEEN, ledgers={"A": ledger("A", 0), "B": ledger("B", 0)})
    stuck = Hold(Reason.STUCK, calls=True)

    assert decide(PARTED, taken, attempts=1, has_taken=True) == Send()
    assert decide(PARTED, replace(taken, items={"x": item("B")}), attempts=1, has_taken=True) == Send()
    assert decide(PARTED, replace(taken, items={}), attempts=1, has_taken=True) == stuck
    assert decide(PARTED, replace(taken, items={"x": item("C")}), attempts=1, has_taken=True) == stuck


def test_an_attempt_that_looks_settled_after_all_calls_a_person() -> None:
    """An attempt was held for lost, and its item has its new owner: nothing is sent again, nothing given up."""
    settled = replace(SEEN, items={"x": item("B")})

    assert decide(SALE, settled, attempts=1) == Hold(Reason.UNSEEN, calls=True)
    assert decide(SALE, settled, attempts=0) == GiveUp(Reason.NOT_OWNER)


def test_a_programs_error_has_its_name() -> None:
    """Whichever instruction it was of; others have none."""
    assert name_of({"InstructionError": [2, {"Custom": 6023}]}) == "batch_not_new"
    assert name_of({"InstructionError": [2, {"Custom": 1}]}) == UNKNOWN
    assert name_of({"InstructionError": [2, "MissingAccount"]}) == UNKNOWN
    assert name_of("AccountNotFound") == name_of(None) == UNKNOWN
