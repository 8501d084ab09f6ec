"""A payment that is recorded and not signed: what it rests on is looked at once more before it is out of our hands."""

from collections.abc import Iterator

import pytest

from kernel.treasury.switch import KillSwitch
from tests.handlers.bridge.office import Office
from tests.handlers.bridge.paces import (
    CLAIM,
    DECIDE,
    EVENTS,
    FILL,
    SUBMIT,
    balance,
    errors,
    history,
    known,
    order,
    states,
    take,
    transfers,
    until,
    vanish,
)
from tests.integration.bridge.house import L1
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers
AMOUNT = ETHER // 100


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one order, whose payment is recorded when its service is halted; it waits for a while."""
    with Office.open(database_url) as office:
        office.lock()
        known(office)
        take(office, DECIDE, FILL)
        KillSwitch(office.office, office.clock).halt("bridge", "a test", "a test")
        take(office, SUBMIT)
        office.clock.advance(30)
        yield office


def resume(office: Office) -> None:
    """The service goes on."""
    KillSwitch(office.office, office.clock).resume("bridge", "a test", "a test")


def is_balanced(office: Office) -> bool:
    """Whether the books of our signer are the chain's, and nothing of it is in transit."""
    verdict = office.check(L1)
    assert verdict is not None
    in_transit = balance(office, f"bridge:in_transit:{office.settings.signer}", L1)
    return (verdict.verdict, in_transit) == ("balanced", 0)


def test_a_deposit_that_is_gone_before_anything_is_signed_is_not_paid(office: Office) -> None:
    """A no-op uses the nonce, the amount is back, and the order is looked for before it is forgotten."""
    vanish(office)
    resume(office)
    until(office, SUBMIT, state="pending")
    reason = order(office)["reason"]
    office.stage.l1.mine(3)
    balanced = is_balanced(office)
    until(office, DECIDE, state="dropped", rounds=120)

    assert [] == office.stage.payments(0)
    assert ([("bridge:zksync:0:fill", "cancelled")], "deposit_gone") == (transfers(office), reason)
    assert (True, [], "reorganised") == (balanced, errors(office), order(office)["reason"])
    assert ["index", "accept", "transfer", "revert", "defer", "forget"][:4] == history(office)[:4]
    assert 0 == balance(office, "bridge:lost:zksync", L1)


def test_a_deposit_that_moved_to_another_block_is_paid_where_it_is(office: Office) -> None:
    """What the cursor has read of its new block is what counts; once it lies deep enough."""
    kept = vanish(office)
    office.stage.l2.resubmit(kept)
    office.stage.l2.mine(4)
    office.minute()
    take(office, EVENTS)
    resume(office)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert 1 == len(office.stage.payments(0))
    assert is_balanced(office)


def test_what_somebody_else_paid_before_anything_is_signed_is_theirs(office: Office) -> None:
    """Ours would only revert; the order is dropped once their payment is final."""
    office.stage.rival_pays(office.stage.deposits()[0])
    office.stage.l1.mine()
    resume(office)
    until(office, DECIDE, SUBMIT, state="dropped")

    assert ([("bridge:zksync:0:fill", "cancelled")], "already_paid") == (transfers(office), order(office)["reason"])
    assert [] == errors(office)
    assert is_balanced(office)


def test_what_we_paid_by_hand_meanwhile_goes_on_to_the_claim(office: Office) -> None:
    """The recorded payment is taken back, and the one that was made is claimed."""
    office.stage.we_pay(office.stage.deposits()[0])
    office.stage.l1.mine(3)
    resume(office)
    until(office, DECIDE, SUBMIT, CLAIM, state="proved")

    assert (1, AMOUNT) == (len(office.stage.payments(0)), balance(office, "bridge:owed:zksync", L1))
    assert [("bridge:zksync:0:fill", "cancelled"), ("bridge:zksync:0:claim", "confirmed")] == transfers(office)


def test_while_the_deposit_cannot_be_read_nothing_is_signed_of_it(office: Office) -> None:
    """For a while it is waited for; then the payment is taken back, because others wait for its nonce."""
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.AWAY
    resume(office)
    take(office, SUBMIT)
    [waiting] = office.rows("select state, unwanted from kernel.evm_outbox")
    office.clock.advance(60)
    until(office, SUBMIT, state="pending")
    reason = order(office)["reason"]
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.NONE
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert (("recorded", None), "deposit_unread") == (tuple(waiting.values()), reason)
    assert 1 == len(office.stage.payments(0))


def test_a_payment_that_is_signed_at_once_is_not_looked_at_again(database_url: str) -> None:
    """The look that recorded it was a moment ago: no question is asked of the origin."""
    with Office.open(database_url) as office:
        office.lock()
        known(office)
        take(office, DECIDE, FILL)
        for node in office.stage.nodes[office.stage.l2]:
            node.fault = Fault.AWAY
        take(office, SUBMIT)

        assert ["transferring"] == states(office)
        assert [("broadcast",)] == [tuple(row.values()) for row in office.rows("select state from kernel.evm_outbox")]


def test_a_payment_never_costs_more_gas_than_its_order_brings(database_url: str) -> None:
    """Gas went up after it was sent: a no-op takes its nonce, for others wait behind it, and it is decided anew."""
    with Office.open(database_url) as office:
        office.lock(fee_wei=ETHER // 2_000)
        known(office)
        take(office, DECIDE, FILL)
        [entry] = office.rows("select gas_limit, gas_price_max_wei from kernel.evm_outbox")
        take(office, SUBMIT)
        office.stage.l1.base_fee_wei = 10 * 10**9
        until(office, SUBMIT, state="pending")
        reason = order(office)["reason"]

        assert 0 < entry["gas_limit"] * int(entry["gas_price_max_wei"]) <= ETHER // 2_000
        assert ([], []) == (office.stage.payments(0), errors(office))
        assert ([("bridge:zksync:0:fill", "cancelled")], "too_dear") == (transfers(office), reason)
