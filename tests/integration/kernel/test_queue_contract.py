"""A queue as the kernel relies on it: the fake and SQS keep one contract."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.aws import Aws
from kernel.tasks import MessageSender, OutgoingMessage, QueueUnavailable, SqsSender
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration


Received = tuple[str, Mapping[str, Any], Mapping[str, str]]


class Fake:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.queue = InMemoryQueue(clock=self.clock)
        self.sender: MessageSender = self.queue

    def receive(self, visibility_s: int = 1) -> list[Received]:
        messages = self.queue.receive("ops-test", visibility_s=visibility_s)
        return [(message.receipt, message.body, message.attributes) for message in messages]

    def delete(self, receipt: str) -> None:
        self.queue.delete("ops-test", receipt)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


@dataclass
class Sqs:
    aws: Aws

    def __post_init__(self) -> None:
        self.client = self.aws.client("sqs")
        self.url = self.client.create_queue(QueueName="counterpart-test-ops-test")["QueueUrl"]
        self.sender: MessageSender = SqsSender(self.aws.queue_url_prefix + "counterpart-test-")

    def receive(self, visibility_s: int = 1) -> list[Received]:
        answer = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=visibility_s, MessageAttributeNames=["All"]
        )
        return [
            (
                message["ReceiptHandle"],
                json.loads(message["Body"]),
                {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()},
            )
            for message in answer.get("Messages", [])
        ]

    def delete(self, receipt: str) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


Subject = Fake | Sqs


@pytest.fixture(params=["fake", "sqs"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return Fake() if request.param == "fake" else Sqs(request.getfixturevalue("aws"))


def test_a_message_arrives_with_body_and_attributes(subject: Subject) -> None:
    """What was sent is what is received."""
    subject.sender.send("ops-test", {"task_id": "1"}, delay_s=0, attributes={"correlation_id": "c-1"})

    assert [message[1:] for message in subject.receive()] == [({"task_id": "1"}, {"correlation_id": "c-1"})]


def test_a_message_without_attributes_arrives(subject: Subject) -> None:
    """They are optional."""
    subject.sender.send("ops-test", {}, delay_s=0, attributes={})

    assert [message[1:] for message in subject.receive()] == [({}, {})]


def test_a_delayed_message_is_hidden_until_its_time(subject: Subject) -> None:
    """DelaySeconds."""
    subject.sender.send("ops-test", {"n": 1}, delay_s=1, attributes={})
    before = subject.receive()
    subject.wait(1.2)

    assert (before, len(subject.receive())) == ([], 1)


def test_a_message_in_flight_is_hidden_and_comes_back(subject: Subject) -> None:
    """At least once: who does not acknowledge sees it again."""
    subject.sender.send("ops-test", {"n": 1}, delay_s=0, attributes={})
    first, hidden = subject.receive(visibility_s=1), subject.receive()
    subject.wait(1.2)

    assert (len(first), hidden, len(subject.receive())) == (1, [], 1)


def test_an_acknowledged_message_is_gone(subject: Subject) -> None:
    """Deleting by its receipt."""
    subject.sender.send("ops-test", {"n": 1}, delay_s=0, attributes={})
    subject.delete(subject.receive(visibility_s=1)[0][0])
    subject.wait(1.2)

    assert subject.receive() == []


def test_many_messages_are_sent_at_once(subject: Subject) -> None:
    """More than one batch of ten, none lost."""
    subject.sender.send_many([OutgoingMessage(queue="ops-test", body={"n": n}) for n in range(23)])
    received: list[int] = []
    while batch := subject.receive(visibility_s=30):
        received += [body["n"] for _, body, _ in batch]

    assert sorted(received) == list(range(23))


def test_an_absent_queue_is_unavailable(aws: Aws) -> None:
    """The sweeper sends again once it is there."""
    with pytest.raises(QueueUnavailable):
        SqsSender(aws.queue_url_prefix).send("absent", {}, delay_s=0, attributes={})
