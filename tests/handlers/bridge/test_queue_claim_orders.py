"""queue_claim_orders: what was paid is claimed, together where that is cheaper, and until it succeeds."""

from collections.abc import Iterator

import pytest

from functions.bridge.adapters.claiming import TURN_MAX
from functions.bridge.adapters.steps import COMMITTED_WITHIN_S
from functions.bridge.core.batching import BATCH_MAX
from functions.bridge.core.books import share
from functions.bridge.core.registry import Version
from functions.bridge.queue_claim_orders import handler
from kernel.testing import FakeClock
from kernel.treasury.switch import KillSwitch
from tests.handlers.bridge.office import KEY, Office
from tests.handlers.bridge.paces import (
    CLAIM,
    CLOSE,
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
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import REGISTRY, RIVAL, Stage

pytestmark = pytest.mark.handlers
MESSAGES = "bridge:messages"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment of the second generation, without orders."""
    with Office.open(database_url) as office:
        yield office


def fulfilled(office: Office, count: int) -> None:
    """So many orders are paid, and not claimed."""
    for nth in range(count):
        office.lock(recipient=0xD00 + nth)
    known(office)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled", order_id=count - 1)


def claim(office: Office) -> None:
    """The slot ends, or the next one where it was about to."""
    office.clock.advance(office.settings.claim_every_s + COMMITTED_WITHIN_S)
    take(office, CLAIM)


def claims(office: Office) -> list[tuple[str, str]]:
    """Our claims, and how they stand."""
    return [one for one in transfers(office) if "claim" in one[0]]


def test_several_orders_are_claimed_in_one_call(office: Office) -> None:
    """Each remembers its part; the message is paid for once it is final."""
    fulfilled(office, 3)
    waiting = states(office)
    claim(office)
    recorded = (states(office), claims(office))
    until(office, SUBMIT, state="proved", order_id=2)

    assert HANDLERS[CLAIM] is handler
    assert ["fulfilled"] * 3 == waiting
    assert (["proving"] * 3, [("bridge:zksync:0:claim", "open")]) == recorded
    parts = office.rows(
        "select order_id, ordinal, parts from bridge.order_transfers where purpose = 'claim' order by 1"
    )
    assert [(0, 0, 3), (1, 1, 3), (2, 2, 3)] == [tuple(map(int, part.values())) for part in parts]
    [value] = office.rows("select amount from kernel.treasury_transfers where key = 'bridge:zksync:0:claim'")
    assert value["amount"] == balance(office, MESSAGES, L1) == sum(share(int(value["amount"]), n, 3) for n in range(3))
    assert [("done", None), ("skipped", "nothing is claimable")][:1] == outcomes(office, CLAIM)[:1]
    assert 3 == len(outcomes(office, CLOSE))


def test_the_first_generation_is_claimed_one_by_one(database_url: str) -> None:
    """Its registry knows no batches."""
    clock = FakeClock()
    office = Office(database_url, clock, KEY, lambda payer: Stage(clock, Version.V1, payer))
    fulfilled(office, 2)
    claim(office)

    assert [("bridge:zksync:0:claim", "open"), ("bridge:zksync:1:claim", "open")] == claims(office)
    office.close()


def test_more_than_fit_into_one_call_take_several(office: Office) -> None:
    """None is left behind, none is claimed twice."""
    fulfilled(office, BATCH_MAX + 2)
    claim(office)

    assert ["proving"] * (BATCH_MAX + 2) == states(office)
    assert 2 == len(claims(office))
    parts = office.rows(
        "select count(*) as parts, count(distinct order_id) as orders from bridge.order_transfers"
        " where purpose = 'claim'"
    )
    assert (BATCH_MAX + 2, BATCH_MAX + 2) == tuple(parts[0].values())


def test_a_claim_that_fails_is_made_again_alone(office: Office) -> None:
    """Its batch failed as a whole: each goes on by itself, when its time has come."""
    fulfilled(office, 2)
    claim(office)
    office.stage.l1.code[REGISTRY].market_maker = RIVAL  # type: ignore[attr-defined]  # the registry is there
    until(office, SUBMIT, state="fulfilled", order_id=1)
    failed = (claims(office), errors(office), balance(office, MESSAGES, L1))
    office.stage.l1.code[REGISTRY].market_maker = office.stage.payer  # type: ignore[attr-defined]  # the registry is there
    claim(office)
    early = states(office)
    office.clock.advance(300)
    office.deps.retrying.wake_due()
    claim(office)
    until(office, SUBMIT, state="proved", order_id=1)

    assert [("fulfilled", "transaction_failed")] * 2 == failed[1]
    assert ([("bridge:zksync:0:claim", "failed")], 0) == (failed[0], failed[2])
    assert ["fulfilled"] * 2 == early
    keys = ["bridge:zksync:0:claim", "bridge:zksync:0:claim:2", "bridge:zksync:1:claim:2"]
    assert keys == sorted(key for key, _ in claims(office))
    row = order(office)
    assert (True, 1, None) == (row["is_failed"], row["attempts"], row["next_attempt_at"])


def test_an_order_that_its_escrow_has_closed_needs_no_further_claim(office: Office) -> None:
    """Somebody claimed it by hand after our claim failed: it is completed, and nothing more is paid for."""
    fulfilled(office, 1)
    claim(office)
    office.stage.l1.code[REGISTRY].market_maker = RIVAL  # type: ignore[attr-defined]  # the registry is there
    until(office, SUBMIT, state="fulfilled")
    office.stage.repay(office.stage.deposits()[0])
    office.stage.l2.mine(50)
    office.clock.advance(300)
    office.deps.retrying.wake_due()
    claim(office)
    take(office, CLOSE)

    assert (["completed"], 1) == (states(office), len(claims(office)))
    assert "close" == history(office)[-1]


def test_a_turn_full_of_orders_that_are_closed_already_is_over(office: Office) -> None:
    """As many as one turn looks at, all claimed by hand: each is asked after once, and no turn follows the other."""
    fulfilled(office, TURN_MAX)
    with office.office.transaction() as tx:
        tx.execute("update bridge.orders set is_failed = true, attempts = 1")
    for deposit in office.stage.deposits():
        office.stage.repay(deposit)
    office.stage.l2.mine(50)
    claim(office)
    asked = len(outcomes(office, CLOSE))
    take(office, CLOSE)

    assert TURN_MAX == asked
    assert (["completed"] * TURN_MAX, []) == (states(office), claims(office))


def test_a_closing_that_is_taken_back_is_claimed_after_all(office: Office) -> None:
    """The claim by hand went with its block: the order is not forgotten."""
    fulfilled(office, 1)
    with office.office.transaction() as tx:
        tx.execute("update bridge.orders set is_failed = true, attempts = 1")
    office.stage.repay(office.stage.deposits()[0])
    office.stage.l2.mine(50)
    claim(office)
    office.stage.reorganise_l2(50, lambda dropped: dropped[:0])
    take(office, CLOSE)
    waiting = (states(office), claims(office))
    office.clock.advance(300)
    office.deps.retrying.wake_due()
    claim(office)

    assert ((["fulfilled"], []), ["proving"]) == (waiting, states(office))


def test_a_registry_that_refuses_a_claim_is_an_error_of_the_order(office: Office) -> None:
    """Nothing is sent; it is tried again with pauses."""
    fulfilled(office, 1)
    office.stage.l1.code[REGISTRY].market_maker = RIVAL  # type: ignore[attr-defined]  # the registry is there
    claim(office)

    assert (["fulfilled"], [("fulfilled", "claim_refused")]) == (states(office), errors(office))
    assert [] == claims(office)


def test_a_halted_service_claims_later(office: Office) -> None:
    """The claims wait for the switch."""
    fulfilled(office, 1)
    switch = KillSwitch(office.office, office.clock)
    switch.halt("bridge", "a test", "a test")
    claim(office)
    halted = states(office)
    switch.resume("bridge", "a test", "a test")
    office.clock.advance(30)
    take(office, CLAIM)

    assert (["fulfilled"], ["proving"]) == (halted, states(office))


def test_unreadable_chains_put_claims_off(office: Office) -> None:
    """It costs no attempt, neither of the task nor of the order."""
    fulfilled(office, 1)
    for node in office.stage.nodes[office.stage.l1]:
        node.fault = Fault.AWAY
    claim(office)

    assert (["fulfilled"], [], "ready") == (states(office), errors(office), outcomes(office, CLAIM)[0][0])


@pytest.mark.parametrize("point", range(0, 16, 5))
def test_a_worker_that_dies_at_any_point_leaves_one_claim_or_none(office: Office, point: int) -> None:
    """Its successor claims what is left."""
    fulfilled(office, 2)
    office.doom.left = point
    claim(office)
    office.doom.left = None
    office.clock.advance(60)
    take(office, CLAIM)

    assert (["proving"] * 2, 1) == (states(office), len(claims(office)))
