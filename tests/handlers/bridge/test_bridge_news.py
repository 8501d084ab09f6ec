"""What is told of orders: to whoever follows one, or all, and to receivers of webhooks; never of what was undone."""

from collections.abc import Iterator

import pytest

from functions.bridge.adapters.news import MILESTONES, SUBJECT_LONGEST
from functions.bridge.core.order import Event
from kernel.realtime import topics
from tests.handlers.bridge.office import FEE_WEI, Office
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment, and a receiver of the bridge's webhooks."""
    with Office.open(database_url) as office:
        with office.office.transaction() as tx:
            tx.execute(
                "insert into kernel.webhook_endpoints (id, owner, url, topics, secret, created_at, changed_at) values "
                "(gen_random_uuid(), 'service:bridge', 'https://example.org', array['bridge.*'], '\\x00', now(), now())"
            )
        yield office


def test_an_order_is_followed_step_by_step(office: Office) -> None:
    """On a topic of its own every step, on the topic of all orders what matters to all."""
    office.lock()
    office.live()

    told = office.kernel.news.published
    own = [body["event"] for topic, body in told if topic == "orders:zksync/0"]
    all_orders = [body["event"] for topic, body in told if topic == "orders"]
    assert ["index", "accept", "transfer", "pay", "claim", "prove", "close"] == own
    assert ["index", "pay", "close"] == all_orders
    amounts = {(body["amount_wei"], body["fee_wei"]) for topic, body in told if topic == "orders"}
    assert {(str(ETHER // 100), str(FEE_WEI))} == amounts


def test_receivers_of_webhooks_are_told_in_the_same_commit(office: Office) -> None:
    """Once each, under the order's own key, so that its trace tells of it."""
    office.lock()
    office.live()

    found = office.rows("select topic, business_key from kernel.webhook_messages order by published_at, id")
    assert ["bridge.order_seen", "bridge.order_filled", "bridge.order_completed"] == [row["topic"] for row in found]
    assert {"bridge:zksync:0"} == {":".join(row["business_key"].split(":")[:3]) for row in found}


def test_an_id_of_78_digits_has_no_topic_of_its_own() -> None:
    """A topic's name is shorter than that; the topic of all orders tells of it."""
    assert topics.SUBJECT_LONGEST == SUBJECT_LONGEST
    assert len(f"{'n' * 20}/{2**256 - 1}") > SUBJECT_LONGEST


def test_every_milestone_is_an_event() -> None:
    """Of the table of orders, or of what is remembered beside it."""
    assert set() == {*MILESTONES} - {str(event) for event in Event} - {"index", "lose", "recover"}
