"""cron_index_orders: a minute in, an order for each deposit of the newest blocks out."""

from collections.abc import Iterator

import pytest

from functions.bridge.cron_index_orders import handler
from kernel.errors import Broken, Transient
from tests.handlers.bridge.office import Office
from tests.integration.bridge.house import ORIGIN
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one network."""
    with Office.open(database_url) as office:
        yield office


class Unread(Transient):
    """The network cannot be read."""

    cause = remedy = "A test."


class Wrong(Broken):
    """The network is not what the settings say."""

    cause = remedy = "A test."


class Silent:
    """A network that says nothing."""

    webhook_watches = ()

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def newest(self, seconds: float) -> None:
        """As it is told to."""
        raise self.failure


def test_a_deposit_becomes_an_order_without_a_webhook(office: Office) -> None:
    """Once, however often the minute is delivered."""
    office.lock()
    office.stage.l2.mine()

    for _ in range(2):
        assert office.tick(handler) == {"status": "done"}
    office.work()

    found = office.rows("select origin, order_id, state from bridge.orders")
    assert [(ORIGIN, 0, "transferring")] == [(row["origin"], row["order_id"], row["state"]) for row in found]


def test_webhooks_may_tell_of_the_escrow_from_then_on(office: Office) -> None:
    """What the newest blocks' cursor reads is what the intake takes."""
    office.tick(handler)

    [watch] = office.rows("select watch, chain, kind from kernel.watched_contracts")
    assert (f"bridge.{ORIGIN}.newest", "evm:31338", "bridge.chain_events") == (
        watch["watch"],
        watch["chain"],
        watch["kind"],
    )


def test_a_network_that_is_away_loses_nothing(office: Office) -> None:
    """The tick is given up, and the next one reads what it missed."""
    office.lock(ETHER // 50)
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.AWAY

    away = office.tick(handler)
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.NONE
    office.clock.advance(60)
    office.stage.l2.mine()
    back = office.tick(handler)
    office.work()

    assert ("given_up", "done") == (away["status"], back["status"])
    assert [(0,)] == [(row["order_id"],) for row in office.rows("select order_id from bridge.orders")]


def test_a_network_that_cannot_be_read_keeps_no_other_from_being_read(office: Office) -> None:
    """It comes first, and the others have their turn."""
    office.lock()
    office.stage.l2.mine()
    vars(office.deps)["origins"] = {"aaa": Silent(Unread()), **office.deps.origins}

    assert office.tick(handler) == {"status": "given_up", "code": "unread"}
    assert 1 == len(office.rows("select from kernel.tasks where kind = 'bridge.chain_events'"))


def test_what_is_wrong_is_told_before_what_passes(office: Office) -> None:
    """A wrong setting of one network must not hide behind another's outage."""
    vars(office.deps)["origins"] = {"aaa": Silent(Unread()), "bbb": Silent(Wrong())}

    with pytest.raises(Wrong):
        office.tick(handler)
