"""queue_submit_l1_transaction: the end of a payment or a claim is booked, and moves its orders, in one commit."""

from collections.abc import Iterator

import pytest

from functions.bridge.core.retry import ATTEMPTS_MAX
from functions.bridge.queue_submit_l1_transaction import handler
from tests.handlers.bridge.office import RECIPIENT, Office
from tests.handlers.bridge.paces import (
    CLAIM,
    DECIDE,
    FILL,
    SUBMIT,
    balance,
    errors,
    history,
    known,
    order,
    outcomes,
    states,
    take,
    transfers,
    until,
)
from tests.integration.bridge.house import HANDLERS, L1
from tests.integration.bridge.simulated_contracts import Mood
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers
AMOUNT = ETHER // 100
OWED = "bridge:owed:zksync"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one order, whose payment is recorded."""
    with Office.open(database_url) as office:
        office.lock()
        known(office)
        take(office, DECIDE, FILL)
        yield office


def refused(office: Office) -> None:
    """The recipient changes its mind between the simulation and the block: status 0, at the price of the gas."""
    office.stage.have_mood(RECIPIENT, Mood.REFUSES)
    until(office, SUBMIT, state="pending")
    office.stage.have_mood(RECIPIENT, Mood.TAKES)


def test_a_final_payment_is_owed_to_us(office: Office) -> None:
    """Not before its block is final; then the claims of the slot are asked for."""
    take(office, SUBMIT)
    office.stage.l1.mine()
    office.clock.advance(3)
    take(office, SUBMIT)
    mined = (states(office), balance(office, OWED, L1))
    until(office, SUBMIT, state="fulfilled")

    assert HANDLERS[SUBMIT] is handler
    assert (["transferring"], 0) == mined
    assert AMOUNT == balance(office, OWED, L1)
    row = order(office)
    [entry] = office.rows("select transaction_hash, block_number, fee_wei from kernel.evm_outbox")
    assert (entry["transaction_hash"], entry["block_number"]) == (row["fill_hash"], row["fill_block"])
    assert int(entry["fee_wei"]) == balance(office, "bridge:fees", L1)
    assert [("ready", None)] == outcomes(office, CLAIM)
    assert "balanced" == _verdict(office)


def test_a_payment_with_status_0_is_no_payment(office: Office) -> None:
    """The amount is back in the wallet, the gas is spent, the error is kept; the order is decided again later."""
    refused(office)
    row = order(office)

    assert [("bridge:zksync:0:fill", "failed")] == transfers(office)
    assert (True, 1, 2, False) == tuple(row[name] for name in ("is_failed", "attempts", "round", "is_parked"))
    assert [("pending", "transaction_failed")] == errors(office)
    assert (0, 0) == (balance(office, OWED, L1), balance(office, f"bridge:in_transit:{office.settings.signer}", L1))
    assert "balanced" == _verdict(office)
    assert [] == office.stage.payments(0)


def test_a_failed_payment_is_tried_again_by_the_schedule(office: Office) -> None:
    """After five minutes, under a key of its own; that it succeeds ends the row of failures."""
    refused(office)
    office.clock.advance(299)
    office.deps.retrying.wake_due()
    early = states(office)
    office.clock.advance(2)
    office.deps.retrying.wake_due()
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert ["pending"] == early
    assert [("bridge:zksync:0:fill", "failed"), ("bridge:zksync:0:fill:2", "confirmed")] == transfers(office)
    row = order(office)
    assert (False, 0, None) == tuple(row[name] for name in ("is_failed", "attempts", "next_attempt_at"))
    assert 1 == len(office.stage.payments(0))


def test_an_order_that_fails_for_ever_is_parked(office: Office) -> None:
    """A person has to look at it; until then nothing more is paid for trying."""
    for _ in range(ATTEMPTS_MAX):
        refused(office)
        office.clock.advance(6 * 3_600)
        office.deps.retrying.wake_due()
        take(office, DECIDE, FILL)
    row = order(office)

    assert (True, ATTEMPTS_MAX, None) == tuple(row[name] for name in ("is_parked", "attempts", "next_attempt_at"))
    assert (["pending"], ATTEMPTS_MAX) == (states(office), len(errors(office)))
    assert 0 == office.deps.retrying.wake_due()


def test_every_message_twice_is_booked_once(office: Office) -> None:
    """A second delivery of anything changes nothing."""
    until(office, SUBMIT, state="fulfilled")
    [task] = office.rows("select id, kind from kernel.tasks where kind = %(kind)s", kind=SUBMIT)
    office.deliver(task)

    assert (1, AMOUNT) == (history(office).count("pay"), balance(office, OWED, L1))


@pytest.mark.parametrize("point", range(0, 30, 8))
def test_a_worker_that_dies_at_any_point_is_followed_by_one_that_goes_on(office: Office, point: int) -> None:
    """One payment, one booking."""
    office.doom.left = point
    for _ in range(6):
        take(office, SUBMIT)
        office.stage.l1.mine()
        office.clock.advance(40)
    office.doom.left = None
    until(office, SUBMIT, state="fulfilled")

    assert (1, AMOUNT) == (len(office.stage.payments(0)), balance(office, OWED, L1))
    assert "balanced" == _verdict(office)


def _verdict(office: Office) -> str:
    verdict = office.check(L1)
    assert verdict is not None
    return verdict.verdict
