"""queue_decide_order: fill, wait or drop, with every input kept; limits hold for orders that are decided together."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.bridge.adapters.limits import ORIGIN_MAX, RECIPIENT_MAX
from functions.bridge.core.order import OrderKey
from functions.bridge.queue_decide_order import handler
from kernel.tunables import Tunable, Tunables
from tests.handlers.bridge.office import RECIPIENT, Office
from tests.handlers.bridge.paces import (
    CLAIM,
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
from tests.integration.bridge.simulated_contracts import Mood
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER, RIVAL, person

pytestmark = pytest.mark.handlers
GWEI = 10**9
#: Locked in this order.
SMALL = ETHER // 100


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment without orders."""
    with Office.open(database_url) as office:
        yield office


def tune(office: Office, tunable: Tunable[Any], gwei: int) -> None:
    """An operator changes a limit."""
    Tunables(office.office, [tunable], office.clock).set(tunable.name, gwei, actor="a test", reason="a test")


def decided(office: Office, order_id: int = 0) -> tuple[str, str | None]:
    """State and reason of an order once its decision was taken."""
    take(office, DECIDE)
    row = order(office, order_id)
    return row["state"], row["reason"]


def test_an_order_that_pays_is_accepted_and_its_inputs_are_kept(office: Office) -> None:
    """Prices, limits, exposure and depth, as text; the fill is asked for in the same commit."""
    office.lock()
    known(office)

    assert HANDLERS[DECIDE] is handler
    assert ("processing", None) == decided(office)
    kept = order(office)["decision"]
    assert ("fill", person(RECIPIENT)) == (kept["outcome"], kept["recipient"])
    assert {"market", "limits", "inventory", "depth", "value_usd_cents"} == set(kept["inputs"])
    assert ("200000", "2000") == (kept["inputs"]["market"]["ether_usd_cents"], kept["inputs"]["value_usd_cents"])
    assert {"confirmations": 3, "finalized": False} == kept["inputs"]["depth"]
    assert [("ready", None)] == outcomes(office, FILL)


def test_without_a_price_nothing_is_decided(office: Office) -> None:
    """The order waits for the oracle, and says so once in its history."""
    office.lock()
    known(office)
    office.ether.cents = None
    waiting = decided(office)
    for _ in range(3):
        office.clock.advance(30)
        take(office, DECIDE)
    office.ether.cents = 2_000_00
    office.clock.advance(30)

    assert ("pending", "price_unusable") == waiting
    assert ("processing", None) == decided(office)
    assert ["index", "defer", "accept"] == history(office)


def test_a_deposit_waits_for_the_depth_that_its_value_asks_for(office: Office) -> None:
    """Worth $200: four blocks, its own included."""
    office.lock(ETHER // 10)
    known(office, confirmations=2)
    shallow = decided(office)
    office.stage.l2.mine()
    office.clock.advance(2)

    assert ("pending", "deposit_not_final") == shallow
    assert ("processing", None) == decided(office)


@pytest.mark.parametrize(("mood", "reason"), [(Mood.REFUSES, "recipient_refuses"), (Mood.BURNS, "recipient_burns_gas")])
def test_a_recipient_who_cannot_be_paid_is_dropped(office: Office, mood: Mood, reason: str) -> None:
    """The simulated payment says so, at two blocks: one alone is looked at again, as often as it takes."""
    office.stage.have_mood(RECIPIENT, mood, 1_000_000)
    office.lock()
    known(office)
    first = decided(office)
    office.clock.advance(30)
    same_block = decided(office)
    office.stage.l1.mine()
    office.clock.advance(30)

    assert [("pending", reason)] * 2 == [first, same_block]
    assert ("dropped", reason) == decided(office)
    assert ["index", "defer", "drop"] == history(office)


@pytest.mark.parametrize("mood", [Mood.REFUSES, Mood.BURNS])
def test_a_recipient_who_refuses_in_one_block_only_is_paid(office: Office, mood: Mood) -> None:
    """Its code may look at what only that block held."""
    office.stage.have_mood(RECIPIENT, mood, 1_000_000)
    office.lock()
    known(office)
    take(office, DECIDE)
    office.stage.have_mood(RECIPIENT, Mood.TAKES)
    office.stage.l1.mine()
    office.clock.advance(30)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")

    assert 1 == len(office.stage.payments(0))


def test_what_was_missing_long_ago_is_forgotten_by_the_next_refusal(office: Office) -> None:
    """Two refusals in a row count, not two in an order's life."""
    office.lock()
    known(office)
    moods = [(Mood.REFUSES, "recipient_refuses"), (Mood.TAKES, "price_unusable"), (Mood.REFUSES, "recipient_refuses")]
    seen = []
    for mood, _ in moods:
        office.stage.have_mood(RECIPIENT, mood)
        office.ether.cents = None if mood == Mood.TAKES else 2_000_00
        seen.append(decided(office))
        office.stage.l1.mine()
        office.clock.advance(30)

    assert [("pending", reason) for _, reason in moods] == seen


def test_what_is_paid_while_it_is_simulated_is_not_the_recipients_refusal(office: Office) -> None:
    """It is simulated as of the block in which nobody had paid; who fills it sees the payment."""
    office.lock()
    known(office)
    office.stage.have_mood(RECIPIENT, Mood.REFUSES)
    decided(office)
    office.stage.have_mood(RECIPIENT, Mood.TAKES)
    office.stage.l1.mine()
    office.clock.advance(30)
    for node in office.stage.nodes[office.stage.l1]:
        node.meanwhile = lambda method: _rival_is_faster(office) if method == "eth_call" else None
    accepted = decided(office)
    office.stage.l1.mine(3)
    take(office, FILL)
    filled = order(office)

    assert ("processing", None) == accepted
    assert ("dropped", "already_paid") == (filled["state"], filled["reason"])


def _rival_is_faster(office: Office) -> None:
    if not office.stage.payments(0):
        office.stage.rival_pays(office.stage.deposits()[0])
        office.stage.l1.mine()


def test_what_is_missing_for_long_is_looked_at_less_often(office: Office) -> None:
    """From half a minute on to five minutes, so that a thousand waiting orders cost little."""
    office.lock()
    known(office)
    office.ether.cents = None
    take(office, DECIDE)
    pauses = []
    for _ in range(20):
        pauses.append(office.wait(3_600))
        take(office, DECIDE)

    assert (30, sorted(pauses), 300) == (pauses[0], pauses, pauses[-1])
    assert ["index", "defer"] == history(office)


def test_a_fee_below_the_cost_waits_for_cheaper_gas_and_then_no_longer(office: Office) -> None:
    """Dropped when its patience is over."""
    office.lock(fee_wei=GWEI)
    known(office)
    waiting = decided(office)
    office.clock.advance(6 * 3_600)

    assert ("pending", "fee_below_cost") == waiting
    assert ("dropped", "fee_below_cost") == decided(office)


def test_an_order_that_would_pay_ourselves_is_dropped(office: Office) -> None:
    """The signer's own address, in whichever case the books write it."""
    office.lock(recipient=int(office.settings.signer, 16))
    known(office)

    assert ("dropped", "recipient_is_ours") == decided(office)


def test_an_amount_above_the_limit_is_dropped(office: Office) -> None:
    """Never looked at again."""
    office.lock(ETHER + 1)
    known(office)

    assert ("dropped", "amount_above_limit") == decided(office)


@pytest.mark.parametrize(
    ("tunable", "reason"), [(RECIPIENT_MAX, "recipient_limit_reached"), (ORIGIN_MAX, "origin_limit_reached")]
)
def test_orders_that_are_decided_together_keep_a_limit_together(
    office: Office, tunable: Tunable[Any], reason: str
) -> None:
    """The second sees what the first has promised, and is decided again when that is repaid."""
    tune(office, tunable, SMALL * 3 // 2 // GWEI)
    for _ in range(2):
        office.lock()
    known(office)
    take(office, DECIDE)
    meanwhile = sorted((order(office, n)["state"], order(office, n)["reason"]) for n in (0, 1))
    office.live()

    assert [("pending", reason), ("processing", None)] == meanwhile
    assert [1, 1] == [len(office.stage.payments(n)) for n in (0, 1)]


def test_what_somebody_else_has_paid_is_theirs_to_claim(office: Office) -> None:
    """Once their payment is final; until then it may yet be undone."""
    office.lock()
    known(office)
    office.stage.rival_pays(office.stage.deposits()[0])
    office.stage.l1.mine()
    young = decided(office)
    office.stage.l1.mine(3)
    office.clock.advance(10)

    assert ("pending", None) == young
    assert ("dropped", "already_paid") == decided(office)
    assert [RIVAL] == [one.payer for one in office.stage.payments(0)]
    [told] = office.rows("select details from bridge.order_history where event = 'drop'")
    assert RIVAL == told["details"]["payer"]


def test_what_we_have_paid_already_goes_on_to_the_claim(office: Office) -> None:
    """By hand, or before the database was restored: it is owed, claimed and repaid, and never paid again."""
    office.lock()
    known(office)
    office.stage.we_pay(office.stage.deposits()[0])
    office.stage.l1.mine(3)
    take(office, DECIDE)
    found = (states(office), balance(office, "bridge:owed:zksync", L1))
    until(office, CLAIM, SUBMIT, state="proved")

    assert (["fulfilled"], SMALL) == found
    assert ["index", "find", "claim", "prove"] == history(office)
    assert [("bridge:zksync:0:claim", "confirmed")] == transfers(office)
    assert 1 == len(office.stage.payments(0))


def test_a_deposit_that_no_quorum_finds_any_more_is_looked_for_before_it_is_forgotten(office: Office) -> None:
    """A retraction may come later than the decision, and the chain may change its mind again."""
    office.lock()
    known(office)
    depth = office.stage.l2.head - office.stage.deposits()[0].block + 1
    office.stage.reorganise_l2(depth, lambda dropped: dropped[:0])
    missing = decided(office)
    is_gone = order(office)["gone_at"] is not None
    for _ in range(10):
        office.clock.advance(30)
        take(office, DECIDE)

    assert (("pending", None), True) == (missing, is_gone)
    assert ["index", "forget"] == history(office)
    assert ("dropped", "reorganised") == decided(office)


def test_one_lying_endpoint_decides_nothing(office: Office) -> None:
    """It denies the deposit, or calls the order paid: the others have it otherwise."""
    office.lock()
    known(office)
    for nodes in office.stage.nodes.values():
        nodes[0].fault = Fault.INVENTS

    assert ("processing", None) == decided(office)


def test_unreadable_chains_put_a_decision_off(office: Office) -> None:
    """It costs no attempt."""
    office.lock()
    known(office)
    for node in office.stage.nodes[office.stage.l1]:
        node.fault = Fault.AWAY
    waiting = decided(office)
    [(state, reason)] = outcomes(office, DECIDE)
    for node in office.stage.nodes[office.stage.l1]:
        node.fault = Fault.NONE
    office.clock.advance(60)

    assert (("pending", None), "ready") == (waiting, state)
    assert "a chain cannot be read" in str(reason)
    assert ("processing", None) == decided(office)


def test_a_late_message_about_a_decided_order_changes_nothing(office: Office) -> None:
    """A worker that wakes up late finds another state."""
    office.lock()
    known(office)
    with office.office.transaction() as tx:
        woken = office.deps.orders.wake(tx, office.deps.orders.order(tx, OrderKey("zksync", 0), 1))
        office.deps.orders.enqueue_decision(tx, woken, office.clock.now(), wakes=9)
    take(office, DECIDE)

    assert 1 == history(office).count("accept")
    assert ["done", "skipped", "skipped"] == sorted(state for state, _ in outcomes(office, DECIDE))
    assert 1 == len(outcomes(office, FILL))
