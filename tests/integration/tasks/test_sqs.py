"""The queue, as the kernel relies on it: the same contract for SQS (moto) and for the fake that tests use."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from infra.local.aws import Aws
from kernel.clock import SystemClock
from kernel.tasks import MessageSender, OutgoingMessage, QueueRefused, QueueUnavailable, SqsSender
from kernel.testing import InMemoryQueue

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Route:
    """A sender, and a way to see what arrived in a queue."""

    sender: MessageSender
    queue: str
    received: Callable[[], list[tuple[Any, dict[str, str]]]]


@pytest.fixture(params=["sqs", "fake"])
def route(request: pytest.FixtureRequest) -> Route:
    return _fake() if request.param == "fake" else _sqs(request.getfixturevalue("aws"))


def _fake() -> Route:
    queue = InMemoryQueue(SystemClock())

    def received() -> list[tuple[Any, dict[str, str]]]:
        return [(message.body, dict(message.attributes)) for message in queue.receive("oracle-commit", most=100)]

    return Route(queue, "oracle-commit", received)


def _sqs(aws: Aws) -> Route:
    import boto3

    client = boto3.client("sqs")
    prefix = f"counterpart-{uuid4().hex[:8]}-"
    url = client.create_queue(QueueName=prefix + "oracle-commit")["QueueUrl"]

    def received() -> list[tuple[Any, dict[str, str]]]:
        found = []
        while messages := client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages", []):
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                texts = {name: attribute.get("StringValue", "") for name, attribute in attributes.items()}
                found.append((json.loads(message["Body"]), texts))
        return found

    return Route(SqsSender(url.removesuffix("oracle-commit")), "oracle-commit", received)


def test_a_message_arrives_as_it_was_sent(route: Route) -> None:
    """Body and attributes."""
    route.sender.send(route.queue, {"task_id": "é"}, delay_s=0, attributes={"correlation_id": "c-1234567"})

    assert route.received() == [({"task_id": "é"}, {"correlation_id": "c-1234567"})]


def test_more_than_a_batch_arrives(route: Route) -> None:
    """23 messages are three calls to SQS; each arrives once."""
    route.sender.send_many([OutgoingMessage(queue=route.queue, body={"n": n}) for n in range(23)])

    assert sorted(body["n"] for body, _ in route.received()) == list(range(23))


def test_a_delayed_message_is_not_there_yet(route: Route) -> None:
    """It is the queue that waits, not the sender."""
    route.sender.send(route.queue, {"n": 1}, delay_s=900, attributes={})

    assert route.received() == []


def test_a_queue_that_does_not_exist_is_unavailable(aws: Aws) -> None:
    """The deploy is not finished, or the prefix is wrong: nothing is lost, the sweeper tries again."""
    with pytest.raises(QueueUnavailable):
        SqsSender(f"{aws.endpoint}/000000000000/absent-").send("oracle-commit", {}, delay_s=0, attributes={})


def test_a_queue_that_does_not_answer_is_unavailable(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds: a handler has its own deadline."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(QueueUnavailable):
        SqsSender("http://127.0.0.1:1/000000000000/x-").send("oracle-commit", {}, delay_s=0, attributes={})


def test_a_queue_that_refuses_holds_up_no_other() -> None:
    """A kind whose queue is not deployed yet must not keep the messages of all later ones back."""
    from botocore.exceptions import ClientError

    asked: list[str] = []

    class OneAbsent:
        def send_message_batch(self, *, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (SQS's own name)
            asked.append(QueueUrl)
            if QueueUrl.endswith("absent"):
                raise ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "SendMessageBatch")
            return {"Successful": []}

    sender = SqsSender("http://queue/", client=OneAbsent())  # type: ignore[arg-type]  # what it uses of a client
    with pytest.raises(QueueRefused):
        sender.send_many([OutgoingMessage(queue=queue, body={}) for queue in ("absent", "other", "third")])

    assert asked == ["http://queue/absent", "http://queue/other", "http://queue/third"]


def test_nobody_answering_is_asked_once() -> None:
    """Each further batch would cost its time-out, and the handler has a deadline."""
    from botocore.exceptions import EndpointConnectionError

    asked: list[str] = []

    class Away:
        def send_message_batch(self, *, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (SQS's own name)
            asked.append(QueueUrl)
            raise EndpointConnectionError(endpoint_url=QueueUrl)

    sender = SqsSender("http://queue/", client=Away())  # type: ignore[arg-type]  # what it uses of a client
    with pytest.raises(QueueUnavailable):
        sender.send_many([OutgoingMessage(queue=queue, body={}) for queue in ("one", "other")])

    assert asked == ["http://queue/one"]


def test_a_partly_refused_batch_is_unavailable() -> None:
    """SQS answers 200 with a list of failures; one is enough to send all again, since duplicates are harmless."""

    class HalfDeaf:
        def send_message_batch(self, **_: Any) -> dict[str, Any]:
            return {"Successful": [], "Failed": [{"Id": "1", "Message": "throttled"}]}

    sender = SqsSender("http://queue/", client=HalfDeaf())  # type: ignore[arg-type]  # what it uses of a client
    with pytest.raises(QueueUnavailable) as caught:
        sender.send_many([OutgoingMessage(queue="q", body={"n": n}) for n in range(2)])

    assert caught.value.details["reason"] == "throttled"
