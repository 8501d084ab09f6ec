"""cron_accepted_orders: every five minutes, what the newest blocks' turn has missed."""

from collections.abc import Iterator

import pytest

from functions.bridge import cron_accepted_orders, cron_index_orders
from tests.handlers.bridge.office import Office
from tests.integration.bridge.stage import L2_FINAL_AFTER

pytestmark = pytest.mark.handlers
TASKS = "select business_key from kernel.tasks where kind = 'bridge.chain_events'"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one network."""
    with Office.open(database_url) as office:
        yield office


def test_a_deposit_is_found_once_its_block_is_final(office: Office) -> None:
    """Whatever became of its webhook and of the minute's turn."""
    office.lock()

    office.tick(cron_accepted_orders.handler)
    before = len(office.rows(TASKS))
    office.stage.l2.mine(L2_FINAL_AFTER)
    office.tick(cron_accepted_orders.handler)

    assert (0, 1) == (before, len(office.rows(TASKS)))


def test_both_turns_make_one_task_of_a_deposit(office: Office) -> None:
    """They have places of their own, and tell of the same event."""
    office.lock()
    office.stage.l2.mine(L2_FINAL_AFTER)

    office.tick(cron_index_orders.handler)
    office.tick(cron_accepted_orders.handler)

    assert 1 == len(office.rows(TASKS))
    assert 2 == len(office.rows("select from kernel.evm_cursors"))


def test_an_outage_of_days_misses_nothing(office: Office) -> None:
    """The turn goes on where it stopped, over as many turns as it takes."""
    office.tick(cron_accepted_orders.handler)
    for _ in range(3):
        office.lock()
        office.stage.l2.mine(400)

    while True:
        before = len(office.rows(TASKS))
        office.tick(cron_accepted_orders.handler)
        if before == len(office.rows(TASKS)) == 3:
            break

    assert 3 == len(office.rows(TASKS))
