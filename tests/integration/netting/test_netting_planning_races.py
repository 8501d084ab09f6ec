"""Planning at the same moment as whatever else happens: nothing is spent twice, and nobody waits for ever."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from functions.netting.adapters.net_steps import NET
from kernel.errors import LeaseLost
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import TaskSpec
from tests.integration.netting.floor import BALANCE, RESERVATION, WITHDRAWAL, Floor, key
from tests.races import at_once

pytestmark = pytest.mark.integration
WAITS = """
    select count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
"""


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A trading floor on which one item is for sale, to a buyer who can pay."""
    with Floor.open(database_url) as floor:
        floor.own("a", "sword")
        floor.fund(b=100)
        yield floor


@contextmanager
def meanwhile(floor: Floor, act: Callable[[Transaction], object]) -> Iterator[threading.Thread]:
    """Net while somebody's transaction is open that has done this; it commits once the planner waits for it."""
    other, deps = Postgres(floor.database_url), floor.another()
    worker = threading.Thread(target=floor.net, args=(deps,))
    with other.transaction() as tx:
        act(tx)
        worker.start()
        while not floor.rows(WAITS)[0]["waiting"]:
            assert worker.is_alive(), "nobody waited"
        yield worker
    worker.join()
    other.close()
    deps.close()


def test_two_netting_tasks_at_once_spend_nothing_twice(floor: Floor) -> None:
    """Each item is in one batch, each wallet debited by one; together they net everything."""
    for number in range(40):
        floor.own("a", f"item-{number}")
        floor.fund(**{f"w{number}": 10})
        floor.intent(f"item-{number}", "a", f"w{number}", 10)
    several = [floor.another() for _ in range(4)]

    at_once(several, floor.net)

    for one in several:
        one.close()
    [row] = floor.rows("select sum(accepted) as accepted, count(*) as batches from netting.batches where accepted > 0")
    assert (40, 1) == (row["accepted"], row["batches"])
    assert 80 == len(floor.reserved())


def test_an_intent_that_is_dropped_meanwhile_is_in_no_batch(floor: Floor) -> None:
    """Its seller takes the ask back while the batch is planned, and is first."""
    wanted = floor.intent("sword", "a", "b", 10)
    withdraw = "update netting.intents set state = 'dropped', reason = 'listing_ended' where id = %(id)s"

    with meanwhile(floor, lambda tx: tx.execute(withdraw, id=wanted)):
        pass

    assert [("dropped", "listing_ended")] == floor.states(wanted)
    assert ({}, 0) == (floor.reserved(), floor.batch()["accepted"])


@pytest.mark.parametrize(
    ("kind", "subject", "wallet", "amount"),
    [("wallet", key("b"), "b", 100), ("item", "sword", "a", None)],
    ids=["the buyer withdraws funds", "the owner withdraws the item"],
)
def test_a_withdrawal_that_reserves_first_is_not_netted_over(
    floor: Floor, kind: str, subject: str, wallet: str, amount: int | None
) -> None:
    """The batch is given up and planned anew, without what the withdrawal has."""
    wanted = floor.intent("sword", "a", "b", 10)

    def reserve(tx: Transaction) -> None:
        named = {"id": "00000000-0000-0000-0000-000000000001", "amount": amount, "subject": subject}
        tx.execute(WITHDRAWAL, kind="withdraw_funds", wallet=key(wallet), now=floor.clock.now(), **named)
        tx.execute(RESERVATION, **named | {"kind": kind}, now=floor.clock.now())

    with meanwhile(floor, reserve):
        pass
    again = floor.net()

    assert ("skipped", ["pending"]) == (again.state, floor.states(wanted))
    assert {(kind, subject): amount} == floor.reserved()
    assert [] == floor.rows("select from netting.batches")


def test_a_withdrawal_that_comes_second_sees_the_reservation(floor: Floor) -> None:
    """The key is unique, whoever asks."""
    floor.intent("sword", "a", "b", 10)
    floor.net()

    with pytest.raises(Exception, match="reservations_pkey"):
        floor.withdraw("b", lamports=90)


def test_a_deposit_that_is_indexed_meanwhile_counts_or_does_not(floor: Floor) -> None:
    """The planner waits for the reading that is being stored, and clears with it."""
    wanted = floor.intent("sword", "a", "b", 150)
    deposit = {"wallet": key("b"), "locked": 200, "requested": 0, "now": floor.clock.now()}

    with meanwhile(floor, lambda tx: tx.execute(BALANCE, **deposit)):
        pass

    assert ["batched"] == floor.states(wanted)
    assert 150 == floor.reserved()["wallet", key("b")]


def test_funds_that_leave_meanwhile_are_not_promised(floor: Floor) -> None:
    """A withdrawal by the delayed way is indexed while the batch is planned."""
    wanted = floor.intent("sword", "a", "b", 100)
    gone = {"wallet": key("b"), "locked": 0, "requested": 0, "now": floor.clock.now()}

    with meanwhile(floor, lambda tx: tx.execute(BALANCE, **gone)):
        pass

    assert [("pending", "insufficient_funds")] == floor.states(wanted)


def test_an_item_that_leaves_the_escrow_meanwhile_is_not_sold(floor: Floor) -> None:
    """Its owner of record is read after whoever stores it has committed."""
    wanted = floor.intent("sword", "a", "b", 10)
    leave = "update netting.item_ownership set owner = null where item_id = 'sword'"

    with meanwhile(floor, lambda tx: tx.execute(leave)):
        pass

    assert [("dropped", "unknown_item")] == floor.states(wanted)


def test_an_item_that_is_asked_back_meanwhile_leaves_its_intents_waiting(floor: Floor) -> None:
    """The plan is given up; nothing of it is stored."""
    wanted = floor.intent("sword", "a", "b", 10)
    ask = "update netting.item_ownership set requested_at = now() where item_id = 'sword'"

    with meanwhile(floor, lambda tx: tx.execute(ask)):
        pass

    assert ["pending"] == floor.states(wanted)
    assert [] == floor.rows("select from netting.batches")


def test_who_lost_the_lease_stores_nothing(floor: Floor) -> None:
    """A planner that slept while another took its task."""
    wanted = floor.intent("sword", "a", "b", 10)
    spec = TaskSpec(kind=NET, business_key="slept", payload={"slot": 1}, run_at=floor.clock.now())
    [task_id] = floor.deps.tasks.enqueue([spec])

    with pytest.raises(LeaseLost):
        floor.deps.planning.plan(floor.deps.sizes, fence=Fence(task_id=task_id, token=7))

    assert ["pending"] == floor.states(wanted)
    assert [] == floor.rows("select from netting.batches")
