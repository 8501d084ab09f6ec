"""cron_retry_failed: the steps of failed and forgotten orders are taken anew, and no step twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.bridge.core.order import OrderKey
from functions.bridge.cron_retry_failed import handler
from tests.handlers.bridge.office import Office

pytestmark = pytest.mark.handlers
DECISIONS = "select business_key from kernel.tasks where kind = 'bridge.decide_order' order by created_at, id"

NEXT_GENERATION = """
    insert into bridge.orders (origin, order_id, generation, recipient, amount_wei, fee_wei, block_number, block_hash,
                               transaction_hash, seen_at, moved_at)
    select origin, order_id, %(generation)s, recipient, amount_wei, fee_wei, block_number, block_hash,
        transaction_hash, seen_at, moved_at
    from bridge.orders
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one order, whose decision is due."""
    with Office.open(database_url) as office:
        office.lock()
        office.stage.l2.mine()
        office.minute()
        for task in office.due():
            office.deliver(task)
        yield office


def failed(office: Office, *, in_s: float) -> None:
    """The order's last step failed; its next attempt is then."""
    with office.office.transaction() as tx:
        tx.execute(
            "update bridge.orders set is_failed = true, attempts = 1, next_attempt_at = %(at)s",
            at=office.clock.now() + timedelta(seconds=in_s),
        )


def lose_tasks(office: Office) -> None:
    """As after a restore of the database from before they were asked for."""
    with office.office.transaction() as tx:
        tx.execute("delete from kernel.tasks")


def test_a_failed_order_is_taken_anew_when_its_time_has_come(office: Office) -> None:
    """Under a key of its own, for the first task has ended; not before."""
    failed(office, in_s=300)

    office.tick(handler)
    early = len(office.rows(DECISIONS))
    office.clock.advance(300)
    office.tick(handler)

    keys = [row["business_key"] for row in office.rows(DECISIONS)]
    assert (1, ["bridge:zksync:0:decide", "bridge:zksync:0:decide:again1"]) == (early, keys)


def test_an_order_is_woken_once_a_turn(office: Office) -> None:
    """The next turn finds that somebody looks after it."""
    failed(office, in_s=0)

    for _ in range(3):
        office.tick(handler)

    assert 2 == len(office.rows(DECISIONS))


def test_an_order_whose_tasks_are_lost_is_found(office: Office) -> None:
    """Any invocation can resume any order from the database."""
    lose_tasks(office)
    office.clock.advance(3_600)

    office.tick(handler)
    office.live()

    assert ["completed"] == [row["state"] for row in office.rows("select state from bridge.orders")]


@pytest.mark.parametrize(("looked_after", "found"), [(2, ":decide"), (1, ":g2:decide"), (12, ":decide")])
def test_a_task_of_another_generation_hides_no_stranded_order(office: Office, looked_after: int, found: str) -> None:
    """An id may have belonged to two deposits: each is looked after by tasks of its own, whatever their keys share."""
    lose_tasks(office)
    further = 2 if looked_after == 1 else looked_after
    with office.office.transaction() as tx:
        tx.execute(NEXT_GENERATION, generation=further)
        orders = office.deps.orders.generations(tx, OrderKey("zksync", 0))
        [one] = [order for order in orders if order.generation == looked_after]
        office.deps.orders.enqueue_decision(tx, one, office.clock.now() + timedelta(hours=2))
    office.clock.advance(3_600)

    office.tick(handler)

    woken = [row["business_key"] for row in office.rows(DECISIONS) if "again" in row["business_key"]]
    assert [f"bridge:zksync:0{found}:again1"] == woken


def test_a_woken_order_is_paid_once(office: Office) -> None:
    """Both its old task and its new one are delivered."""
    failed(office, in_s=0)
    office.tick(handler)

    office.live()

    assert 1 == len(office.stage.payments(0))


def test_a_parked_order_waits_for_a_person(office: Office) -> None:
    """However long."""
    office.parked()
    lose_tasks(office)
    office.clock.advance(30 * 86_400)

    office.tick(handler)

    assert [] == office.rows(DECISIONS)
