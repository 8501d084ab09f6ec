"""queue_fill_order: the payment is recorded once, in one commit, and only if all that it rests on holds still."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.bridge.adapters.limits import BALANCE_FLOOR, ORIGIN_MAX
from functions.bridge.core.order import OrderKey
from functions.bridge.queue_fill_order import handler
from kernel.ledger import Ledger, Posting
from kernel.treasury.switch import KillSwitch
from kernel.tunables import Tunables
from tests.handlers.bridge.office import RECIPIENT, Office
from tests.handlers.bridge.paces import (
    DECIDE,
    FILL,
    SUBMIT,
    balance,
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
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers
AMOUNT = ETHER // 100
#: Of a payment that needs 66 000 gas, with its headroom, at the highest fee.
RESERVE = 82_500 * 20 * 10**9


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one order, which is to be filled."""
    with Office.open(database_url) as office:
        office.lock()
        known(office)
        take(office, DECIDE)
        yield office


def wallet(office: Office, which: str = "wallet") -> int:
    """What the books say of our signer on L1."""
    return balance(office, f"bridge:{which}:{office.settings.signer}", L1)


def test_state_postings_nonce_payload_and_task_are_one_commit(office: Office) -> None:
    """Nothing is signed or sent before it; afterwards it will be made, whoever dies."""
    before = wallet(office)
    take(office, FILL)

    assert HANDLERS[FILL] is handler
    assert (["transferring"], [("bridge:zksync:0:fill", "open")]) == (states(office), transfers(office))
    assert (AMOUNT + RESERVE, AMOUNT + RESERVE) == (before - wallet(office), wallet(office, "in_transit"))
    [entry] = office.rows("select state, service, value_wei, business_key from kernel.evm_outbox")
    assert ("recorded", "bridge", AMOUNT, "treasury/bridge:zksync:0:fill") == tuple(entry.values())
    assert [("ready", None)] == outcomes(office, SUBMIT)
    assert [] == office.stage.payments(0)
    [part] = office.rows("select transfer, ordinal, parts, purpose from bridge.order_transfers")
    assert ("bridge:zksync:0:fill", 0, 1, "fill") == tuple(part.values())


@pytest.mark.parametrize("point", range(0, 12, 4))
def test_a_worker_that_dies_at_any_point_leaves_one_payment_or_none(office: Office, point: int) -> None:
    """Its successor goes on from the database."""
    office.doom.left = point
    take(office, FILL)
    office.doom.left = None
    office.clock.advance(60)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert 1 == len(office.stage.payments(0))
    assert 1 == history(office).count("pay")


def test_an_old_decision_is_renewed_before_anything_is_paid(office: Office) -> None:
    """The world has moved on since; in place, or a long queue would make every decision old for ever."""
    before = order(office)["decided_at"]
    office.clock.advance(3_600)
    take(office, FILL)

    assert (["transferring"], 1) == (states(office), order(office)["round"])
    assert 3_600 == (order(office)["decided_at"] - before).total_seconds()
    assert [("bridge:zksync:0:fill", "open")] == transfers(office)


@pytest.mark.parametrize("share", [1, 2])
def test_an_old_decision_that_does_not_hold_any_more_pays_nothing(office: Office, share: int) -> None:
    """Its own amount does not count against it, what others were promised meanwhile does."""
    Tunables(office.office, [ORIGIN_MAX], office.clock).set(
        ORIGIN_MAX.name, AMOUNT // share // 10**9, actor="a test", reason="a test"
    )
    office.clock.advance(60)
    take(office, FILL)

    expected = {1: ("transferring", None), 2: ("pending", "origin_limit_reached")}
    assert expected[share] == (order(office)["state"], order(office)["reason"])


def test_a_deposit_that_is_gone_meanwhile_is_not_paid(office: Office) -> None:
    """No retraction has come yet; the block is read again all the same."""
    depth = office.stage.l2.head - office.stage.deposits()[0].block + 1
    office.stage.reorganise_l2(depth, lambda dropped: dropped[:0])
    take(office, FILL)

    assert (["pending"], "deposit_gone") == (states(office), order(office)["reason"])
    assert [] == transfers(office)


def test_a_deposit_that_lies_less_deep_than_it_did_is_not_paid(office: Office) -> None:
    """The chain was shortened: what the decision saw is not there any more."""
    office.stage.l2.reorganise(2)
    take(office, FILL)

    assert (["pending"], "deposit_not_final") == (states(office), order(office)["reason"])
    assert [] == transfers(office)


def test_what_somebody_paid_since_the_decision_is_not_paid_again(office: Office) -> None:
    """First it waits for their payment to be final."""
    office.stage.rival_pays(office.stage.deposits()[0])
    office.stage.l1.mine()
    take(office, FILL)
    young = states(office)
    office.stage.l1.mine(3)
    office.clock.advance(10)
    take(office, FILL)

    assert (["processing"], ["dropped"]) == (young, states(office))
    assert ("already_paid", []) == (order(office)["reason"], transfers(office))


def test_what_we_paid_by_hand_since_the_decision_goes_on_to_the_claim(office: Office) -> None:
    """It is owed, and not paid again."""
    office.stage.we_pay(office.stage.deposits()[0])
    office.stage.l1.mine(3)
    take(office, FILL)

    assert (["fulfilled"], AMOUNT) == (states(office), balance(office, "bridge:owed:zksync", L1))
    assert [] == transfers(office)


def test_a_halted_service_owes_nothing_new(office: Office) -> None:
    """The order goes back once and waits there, without a word, longer each time; it is filled after the halt."""
    switch = KillSwitch(office.office, office.clock)
    switch.halt("bridge", "a test", "a test")
    take(office, FILL)
    halted = (states(office), order(office)["reason"], transfers(office), wallet(office, "in_transit"))
    steps, looks, ended_at = history(office), 0, office.clock.now() + timedelta(hours=1)
    pauses = []
    while office.clock.now() < ended_at:
        pauses.append(office.wait(600))
        looks += take(office, DECIDE, FILL)
    waiting = (states(office), order(office)["reason"], history(office))
    switch.resume("bridge", "a test", "a test")
    office.clock.advance(300)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert (["pending"], "service_halted", [], 0) == halted
    assert (["pending"], "service_halted", steps) == waiting
    assert (30, sorted(pauses), 300) == (pauses[0], pauses, pauses[-1])
    assert 15 <= looks <= 25
    assert 1 == len(office.stage.payments(0))


def test_what_the_wallet_cannot_afford_with_its_highest_fee_is_not_recorded(office: Office) -> None:
    """The books refuse to be overdrawn, and all of it is undone."""
    spare = wallet(office) - AMOUNT
    signer, asset = f"bridge:wallet:{office.settings.signer}", f"{L1}:native"
    postings = [Posting(signer, asset, -spare), Posting("bridge:outside", asset, spare)]
    with office.office.transaction() as tx:
        Ledger().post(tx, business_key="a test", service="bridge", postings=postings)
    take(office, FILL)

    first = (states(office), order(office)["reason"])
    pauses = []
    for _ in range(3):
        pauses.append(office.wait(600))
        take(office, DECIDE, FILL)

    assert (["pending"], "overdrawn") == first
    assert ([], AMOUNT) == (transfers(office), wallet(office))
    assert [30, 30, 30] == pauses  # the decision itself says by now that it is too little
    assert "inventory_too_low" == order(office)["reason"]


def test_what_the_treasury_refuses_again_and_again_is_tried_less_often(office: Office) -> None:
    """Enough for today's gas, too little for the highest fee: each time it comes back it waits longer."""
    Tunables(office.office, [BALANCE_FLOOR], office.clock).set(BALANCE_FLOOR.name, 0, actor="a test", reason="a test")
    spare = wallet(office) - AMOUNT - RESERVE // 2
    signer, asset = f"bridge:wallet:{office.settings.signer}", f"{L1}:native"
    postings = [Posting(signer, asset, -spare), Posting("bridge:outside", asset, spare)]
    with office.office.transaction() as tx:
        Ledger().post(tx, business_key="a test", service="bridge", postings=postings)
    take(office, FILL)
    pauses = []
    for _ in range(12):
        pauses.append(office.wait(600))
        take(office, DECIDE, FILL)

    assert [30, 60, 90] == pauses[:3]
    assert [300, 300] == pauses[-2:]


def test_unreadable_chains_put_a_payment_off(office: Office) -> None:
    """It stays decided, until the decision is too old."""
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.AWAY
    take(office, FILL)
    [(state, reason)] = outcomes(office, FILL)

    assert (["processing"], "ready") == (states(office), state)
    assert "a chain cannot be read" in str(reason)


def test_two_workers_with_one_order_record_one_payment(office: Office) -> None:
    """The second finds that it is recorded."""
    with office.office.transaction() as tx:
        found = office.deps.orders.generations(tx, OrderKey("zksync", 0))[0]
        office.deps.orders.enqueue_fill(tx, found, wakes=1)
    take(office, FILL)

    assert ["done", "skipped"] == sorted(state for state, _ in outcomes(office, FILL))
    assert [("bridge:zksync:0:fill", "open")] == transfers(office)
    assert RECIPIENT == order(office)["recipient"]
