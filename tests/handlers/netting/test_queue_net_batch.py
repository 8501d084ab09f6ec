"""queue_net_batch: what one task does, and what its death leaves to the next one."""

from collections.abc import Iterator

import pytest

from kernel.pinning import StoreUnavailable
from tests.integration.netting.floor import Floor

pytestmark = pytest.mark.handlers


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A trading floor with one sale."""
    with Floor.open(database_url) as floor:
        floor.own("a", "sword")
        floor.fund(b=100)
        yield floor


def test_a_task_nets_and_says_what_came_of_it(floor: Floor) -> None:
    """Its result names the batch."""
    floor.intent("sword", "a", "b", 10)

    record = floor.net()

    assert ("done", {"batch": str(floor.batch()["id"]), "accepted": 1}) == (record.state, record.result)


def test_nothing_to_net_is_skipped(floor: Floor) -> None:
    """With a record, and without a batch."""
    assert "skipped" == floor.net().state


def test_a_delivery_again_nets_nothing_again(floor: Floor) -> None:
    """The task ended in the commit that stored its batch."""
    floor.intent("sword", "a", "b", 10)
    record = floor.net()
    floor.own("a", "shield")
    waiting = floor.intent("shield", "a", "c", 10)

    floor.deliver(record.id, floor.deps)

    assert ["pending"] == floor.states(waiting)


def test_a_batch_whose_planner_died_before_publishing_is_published_by_the_next(floor: Floor) -> None:
    """The bucket is away when the first one wants to; its batch stands all the same."""
    floor.intent("sword", "a", "b", 10)
    floor.kernel.kept.failure = StoreUnavailable()
    record = floor.net()
    floor.kernel.kept.failure = None

    floor.net()

    batch = floor.batch()["id"]
    assert "done" == record.state
    assert f"netting:{batch}:metadata" == floor.kernel.pinning.pin(f"netting:{batch}:metadata").business_key
