"""queue_deliver_webhook: what a slice publishes reaches its receiver through the queue, signed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.ops.queue_deliver_webhook import handler
from functions.ops.wiring import ROLE, Deps, SignerDeps
from kernel.testing.kernel import KEY_ID, FakedKernel
from kernel.webhooks.publishing import KIND
from tests.handlers.ops.purse import Context, event
from tests.integration.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.handlers


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def listen(kernel: FakedKernel, receiver: Receiver) -> None:
    Deps(kernel).webhook_endpoints.create(
        owner="service:ops", url=receiver.url, topics=["ops.transfer_ended"], actor="ada"
    )


def publish(kernel: FakedKernel, key: str) -> None:
    with kernel.postgres.transaction() as tx:
        kernel.webhooks.publish(tx, "ops.transfer_ended", key, {"key": key})


def deliver(kernel: FakedKernel) -> list[Any]:
    """Hand every message that is due to the handler; what it says of each."""
    answers = []
    sent = event("queue_deliver_webhook")
    while messages := kernel.queue.receive("ops-deliver-webhook"):
        for message in messages:
            (record,) = sent["Records"]
            batch = {"Records": [{**record, "body": json.dumps(message.body)}]}
            answers.append(handler.bind(SignerDeps(kernel))(batch, Context()))
            kernel.queue.delete("ops-deliver-webhook", message.receipt)
    return answers


def states(kernel: FakedKernel) -> list[tuple[str, str | None]]:
    """How the tasks stand."""
    with kernel.postgres.transaction() as tx:
        rows = tx.all("select state, error from kernel.tasks where kind = %(kind)s order by id", kind=KIND)
    return [(row["state"], row["error"]) for row in rows]


def test_what_is_published_comes_to_its_receiver(kernel: FakedKernel, receiver: Receiver) -> None:
    """The message follows the commit, and carries the task's id only."""
    listen(kernel, receiver)
    publish(kernel, "order-1")
    answers = deliver(kernel)
    (got,) = receiver.got

    assert [{"batchItemFailures": []}] == answers
    assert ("ops.transfer_ended", {"key": "order-1"}) == ((told := json.loads(got.body))["type"], told["data"])
    assert [("done", None)] == states(kernel)


def test_a_receiver_that_is_away_is_tried_later(kernel: FakedKernel, receiver: Receiver) -> None:
    """The message is acknowledged; the task comes again by itself."""
    listen(kernel, receiver)
    receiver.status(503, 200)
    publish(kernel, "order-1")
    deliver(kernel)
    away = states(kernel)
    kernel.clock.sleep(10)
    deliver(kernel)

    assert [("ready", "The endpoint answered 503.")] == away
    assert (2, 1) == (len(receiver.got), len(set(receiver.ids())))
    assert [("done", None)] == states(kernel)


def test_nothing_is_sent_unsigned(kernel: FakedKernel, receiver: Receiver) -> None:
    """Without the wrapping key its task waits for a person, and no attempt at the receiver is used up."""
    listen(kernel, receiver)
    publish(kernel, "order-1")
    kernel.keys.disable(KEY_ID)
    deliver(kernel)
    with kernel.postgres.transaction() as tx:
        (row,) = tx.all("select state, attempts from kernel.webhook_deliveries")

    assert [] == receiver.got
    assert ["parked"] == [state for state, _ in states(kernel)]
    assert ("pending", 0) == (row["state"], row["attempts"])
