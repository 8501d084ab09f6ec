"""queue_chain_events: a deposit is one order whoever tells it, and what is gone is forgotten or lost, never paid."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from uuid import uuid4

import pytest

from functions.bridge.adapters.indexing import ToldDeposit
from functions.bridge.core.escrow import SET_ORDER
from functions.bridge.queue_chain_events import handler
from kernel.abi import uint_word
from kernel.chain_events import Delivery, EvmEvent
from kernel.postgres import Fence
from kernel.tasks import Outcome, Retry, Skipped, TaskSpec
from tests.handlers.bridge.office import FEE_WEI, RECIPIENT, Office
from tests.handlers.bridge.paces import (
    CLAIM,
    CLOSE,
    DECIDE,
    EVENTS,
    FILL,
    SUBMIT,
    balance,
    history,
    known,
    order,
    outcomes,
    states,
    take,
    until,
    vanish,
)
from tests.integration.bridge.house import HANDLERS, L1
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ESCROW, ETHER, L2_CHAIN_ID, person

pytestmark = pytest.mark.handlers
AMOUNT = ETHER // 100
OWED, LOST = "bridge:owed:zksync", "bridge:lost:zksync"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment without orders."""
    with Office.open(database_url) as office:
        yield office


def tell(office: Office, event: EvmEvent, *, watch: str = "bridge.zksync.newest") -> None:
    """Whatever a webhook, or a cursor, delivers."""
    told = Delivery(watch=watch, sequence=0, event=event)
    spec = TaskSpec(kind=EVENTS, business_key=event.identity, payload=told.to_json(), run_at=office.clock.now())
    office.kernel.tasks.enqueue([spec])
    take(office, EVENTS)


def invented(order_id: int = 0, *, address: str = ESCROW, block_number: int = 42) -> EvmEvent:
    """An event that no chain has."""
    words = (order_id, RECIPIENT, AMOUNT, FEE_WEI)
    return EvmEvent(
        chain_id=L2_CHAIN_ID,
        block_number=block_number,
        block_hash=b"\7" * 32,
        transaction_hash=b"\6" * 32,
        log_index=order_id,
        address=address,
        topics=(SET_ORDER,),
        data=b"".join(map(uint_word, words)),
    )


def replaced(office: Office, *, amount_wei: int = 2 * AMOUNT, recipient: int = 0xC2) -> None:
    """The origin is reorganised, and the id goes to somebody else's deposit."""
    office.stage.reorganise_l2(office.stage.l2.head - office.stage.deposits()[0].block + 1, lambda dropped: [])
    office.stage.lock(recipient, amount_wei, FEE_WEI)
    office.stage.l2.mine()


def test_a_deposit_is_one_order_whoever_tells_it(office: Office) -> None:
    """The newest blocks, the accepted ones and a webhook: one row, one decision."""
    office.lock()
    known(office)
    [task] = office.rows("select payload from kernel.tasks where kind = %(kind)s", kind=EVENTS)
    told = Delivery.from_json(task["payload"]).event
    assert isinstance(told, EvmEvent)
    tell(office, replace(told, occurrence=2))
    office.stage.l2.mine(60)
    office.minute()
    take(office, EVENTS)

    assert HANDLERS[EVENTS] is handler
    assert (["pending"], ["index"]) == (states(office), history(office))
    assert [("done", None), ("done", None)] == outcomes(office, EVENTS)
    assert 1 == len(outcomes(office, DECIDE))
    row = order(office)
    assert (RECIPIENT, AMOUNT, FEE_WEI) == (row["recipient"], row["amount_wei"], row["fee_wei"])


def test_an_event_of_a_foreign_contract_is_nothing(office: Office) -> None:
    """Also one that says word for word what ours would."""
    tell(office, invented(address=person(0xEE)))
    tell(office, invented(1), watch="bridge.nowhere.newest")

    assert [] == states(office)
    reasons = ["no event of this escrow", "no origin is configured under this name"]
    assert [("skipped", reason) for reason in reasons] == outcomes(office, EVENTS)


def test_a_forged_event_becomes_no_order(office: Office) -> None:
    """The chain does not have it: it is looked for until the origin could be final twice, then dropped."""
    office.stage.l2.mine(50)
    tell(office, invented())
    [(waiting, reason)] = outcomes(office, EVENTS)
    for _ in range(40):
        office.clock.advance(60)
        take(office, EVENTS)

    assert ("ready", "the chain does not say yet what was told") == (waiting, reason)
    assert [("skipped", "the chain does not have it")] == outcomes(office, EVENTS)
    assert [] == states(office)


def test_an_event_of_a_block_that_is_not_known_yet_waits_for_it(office: Office) -> None:
    """Two nodes lag: what one tells is taken when a quorum has it."""
    office.lock()
    office.stage.l2.mine(2)
    office.minute()
    for node in office.stage.nodes[office.stage.l2][:2]:
        node.fault = Fault.BEHIND
    take(office, EVENTS)
    meanwhile = states(office)
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.NONE
    office.clock.advance(30)
    take(office, EVENTS)

    assert ([], ["pending"]) == (meanwhile, states(office))


def test_an_unreadable_chain_costs_no_attempt(office: Office) -> None:
    """The event waits until the endpoints are there again."""
    office.lock()
    office.stage.l2.mine(2)
    office.minute()
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.AWAY
    take(office, EVENTS)
    [(state, reason)] = outcomes(office, EVENTS)

    assert "ready" == state
    assert "the chain cannot be read" in str(reason)


def test_a_long_outage_is_no_reason_to_drop_an_event(office: Office) -> None:
    """The endpoints come back with some of them a few blocks behind: nobody else will tell of this deposit."""
    office.lock()
    office.stage.l2.mine(2)
    office.minute()
    nodes = office.stage.nodes[office.stage.l2]
    for fault, looks in ((Fault.AWAY, 100), (Fault.BEHIND, 5)):
        for node in nodes:
            node.fault = fault
        for _ in range(looks):
            office.clock.advance(60)
            take(office, EVENTS)
    for node in nodes:
        node.fault = Fault.NONE
    office.clock.advance(60)
    take(office, EVENTS)

    assert ["pending"] == states(office)


def test_a_block_that_is_never_reached_is_waited_for_for_a_week(office: Office) -> None:
    """Only a forger tells of it."""
    event = invented(block_number=10**6)
    told = ToldDeposit(watch="bridge.zksync.newest", sequence=0, event=event.to_json())
    found = office.deps.indexing.look(told)

    def looked(times: int) -> Outcome:
        return office.deps.indexing.take(told, found, fence=Fence(uuid4(), times))

    assert Retry(60, "the chain does not say yet what was told") == looked(7 * 1_440)
    assert Skipped("the chain did not come so far") == looked(8 * 1_440)


def test_a_chain_that_changes_its_mind_twice_between_two_looks_loses_no_order(office: Office) -> None:
    """A webhook tells that the deposit is gone, and nobody that it is there again: our cursor saw only one chain."""
    office.lock()
    known(office)
    chain = office.stage.l2
    [task] = office.rows("select payload from kernel.tasks where kind = %(kind)s", kind=EVENTS)
    told = Delivery.from_json(task["payload"]).event
    assert isinstance(told, EvmEvent)
    before = {name: deepcopy(getattr(chain, name)) for name in ("blocks", "where", "_memory")}
    vanish(office)
    tell(office, told.retraction())
    forgotten = states(office)
    for name, kept in before.items():
        setattr(chain, name, kept)
    for _ in range(20):
        chain.mine(5)
        office.clock.advance(30)
        take(office, EVENTS)

    assert (["dropped"], ["pending"]) == (forgotten, states(office))
    assert ["index", "forget", "reappear"] == history(office)


def test_a_deposit_that_is_reorganised_away_is_forgotten_and_found_again(office: Office) -> None:
    """Nothing was promised; mined in another block, it is the same order, in its second round."""
    office.lock()
    known(office)
    office.stage.l2.mine()
    kept = vanish(office)
    known(office)
    forgotten = (states(office), order(office)["reason"])
    office.stage.l2.resubmit(kept)
    office.stage.l2.mine()
    known(office)

    assert (["dropped"], "reorganised") == forgotten
    assert ["index", "forget", "reappear"] == history(office)
    assert ("pending", 2, None) == tuple(order(office)[name] for name in ("state", "round", "reason"))
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")
    assert 1 == len(office.stage.payments(0))


def test_an_id_that_goes_to_another_deposit_before_anything_is_promised_is_that_order(office: Office) -> None:
    """The row takes the new contents; the old ones are in its history."""
    office.lock()
    known(office)
    replaced(office)
    known(office)

    row = order(office)
    assert ("pending", 2 * AMOUNT, 0xC2, 1) == tuple(
        row[name] for name in ("state", "amount_wei", "recipient", "generation")
    )
    assert ["index", "forget", "reappear"] == history(office)


def test_what_was_paid_for_a_deposit_that_is_gone_is_lost_until_it_is_back(office: Office) -> None:
    """Posted to an account of its own, and taken back when the deposit is mined again; then it is claimed."""
    office.lock()
    known(office)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")
    owed = balance(office, OWED, L1)
    kept = vanish(office)
    known(office)
    take(office, CLAIM)
    gone = (balance(office, OWED, L1), balance(office, LOST, L1), order(office)["is_lost"], states(office))
    office.stage.l2.resubmit(kept)
    office.stage.l2.mine()
    known(office)

    assert AMOUNT == owed
    assert (0, AMOUNT, True, ["fulfilled"]) == gone
    assert (AMOUNT, 0) == (balance(office, OWED, L1), balance(office, LOST, L1))
    office.live()
    assert ["lose", "recover"] == [one for one in history(office) if one in ("lose", "recover")]


def test_a_deposit_that_goes_while_its_payment_is_under_way_is_lost_when_that_is_final(office: Office) -> None:
    """There is no way back from a recorded payment."""
    office.lock()
    known(office)
    take(office, DECIDE, FILL)
    vanish(office)
    known(office)
    before = (states(office), balance(office, LOST, L1))
    until(office, SUBMIT, state="fulfilled")
    office.clock.advance(60)
    take(office, CLAIM, CLOSE)

    assert (["transferring"], 0) == before
    assert (0, AMOUNT) == (balance(office, OWED, L1), balance(office, LOST, L1))
    assert "claim" not in history(office)


def test_an_id_of_a_paid_order_that_goes_to_another_deposit_begins_a_generation(office: Office) -> None:
    """Two deposits, two payments, under keys of their own; the first is lost, the second is claimed and repaid."""
    office.lock()
    known(office)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled")
    replaced(office)
    office.live_through(lambda: states(office) == ["fulfilled", "completed"])

    second = order(office, generation=2)
    assert (2 * AMOUNT, 0xC2) == (second["amount_wei"], second["recipient"])
    paid = [(one.recipient, one.amount_wei) for one in office.stage.payments(0)]
    assert [(person(RECIPIENT), AMOUNT), (person(0xC2), 2 * AMOUNT)] == paid
    assert AMOUNT == balance(office, LOST, L1)
    keys = [row["transfer"] for row in office.rows("select transfer from bridge.order_transfers order by transfer")]
    assert ["bridge:zksync:0:fill", "bridge:zksync:0:g2:claim", "bridge:zksync:0:g2:fill"] == keys


@pytest.mark.parametrize("order_id", [2**64 + 1, 2**256 - 1])
def test_ids_beyond_every_integer_column_are_orders_like_others(office: Office, order_id: int) -> None:
    """The escrow counts in 256 bits."""
    office.stage.l2.put("next order", order_id)
    office.lock()
    known(office)
    until(office, DECIDE, FILL, SUBMIT, state="fulfilled", order_id=order_id)

    assert 1 == len(office.stage.payments(order_id))


def test_a_watch_says_whose_event_it_is() -> None:
    """Its middle part names the origin."""
    told = ToldDeposit(watch="bridge.zk-era.accepted", sequence=1, event={"removed": False})

    assert ("zk-era", False) == (told.origin, told.is_retraction)
    assert "" == ToldDeposit(watch="ops.inlet:evm:1", sequence=1, event={}).origin
