"""SQS as event source: creates a bundle's queues, long-polls them, and maps batches to invocations as Lambda does.

A batch whose function fails, times out or dies is left alone: its messages come back after their visibility time-out,
and the queue's own redrive policy moves them to the dead-letter queue after maxReceiveCount receives.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from infra.local.runner.bundle import Bundle, QueueTrigger
from infra.local.runner.chaos import Chaos
from infra.local.runner.containers import Invocation
from infra.local.runner.events import sqs_event

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

POLL_S = 10
ERROR_PAUSE_S = 0.5
RECEIVE_MAX = 10


@dataclass(frozen=True, slots=True)
class LocalQueue:
    """A queue that exists: its logical id, URL and ARN."""

    logical_id: str
    url: str
    arn: str


def create_queues(client: SQSClient, bundle: Bundle) -> dict[str, LocalQueue]:
    """Create every queue of the bundle, dead-letter queues first; a queue that exists is kept with its messages."""
    created: dict[str, LocalQueue] = {}
    targets = {queue.redrive.target for queue in bundle.queues.values() if queue.redrive}
    for logical_id in sorted(bundle.queues, key=lambda logical_id: logical_id not in targets):
        queue = bundle.queues[logical_id]
        attributes = dict(queue.attributes)
        if queue.redrive:
            policy = {
                "deadLetterTargetArn": created[queue.redrive.target].arn,
                "maxReceiveCount": queue.redrive.receives_max,
            }
            attributes["RedrivePolicy"] = json.dumps(policy)
        url = client.create_queue(QueueName=queue.name, Attributes=cast("Any", attributes))["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        created[logical_id] = LocalQueue(logical_id, url, arn)
    return created


@dataclass
class EventSource:
    """One event source mapping: polls a queue in its own thread while the stack is running."""

    client: SQSClient
    queue: LocalQueue
    trigger: QueueTrigger
    function: str
    invoke: Callable[[dict[str, Any]], Invocation]
    running: threading.Event
    executor: Executor
    chaos: Chaos
    concurrency: int
    write_log: Callable[[str], None]
    received: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _slots: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = threading.Semaphore(self.concurrency)

    def start(self) -> None:
        """Begin to poll."""
        threading.Thread(target=self._poll, name=f"poll {self.queue.logical_id}", daemon=True).start()

    def stop(self) -> None:
        """Poll no more. A long poll that is under way ends by itself and gives back what it still receives."""
        self._stopped.set()

    def _poll(self) -> None:
        while not self._stopped.is_set():
            # Bounded, so that a stopped source ends although its stack stays paused.
            if not self.running.wait(timeout=POLL_S):
                continue
            self._slots.acquire()
            messages = self._receive()
            if messages and (self._stopped.is_set() or not self.running.is_set()):
                self._give_back(messages)
                messages = []
            if not messages:
                self._slots.release()
                continue
            self._deliver(messages)

    def _receive(self) -> list[MessageTypeDef]:
        try:
            reply = self.client.receive_message(
                QueueUrl=self.queue.url,
                MaxNumberOfMessages=min(self.trigger.batch_size, RECEIVE_MAX),
                WaitTimeSeconds=POLL_S,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except Exception as error:  # the queue server may be stopped or restarted at any time
            if not self._stopped.is_set():
                self.write_log(f"polling {self.queue.logical_id} failed: {error}")
                self._stopped.wait(ERROR_PAUSE_S)
            return []
        return reply.get("Messages", [])

    def _give_back(self, messages: Iterable[MessageTypeDef]) -> None:
        for message in messages:
            self.client.change_message_visibility(
                QueueUrl=self.queue.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def _deliver(self, messages: list[MessageTypeDef]) -> None:
        """Hand the batch over; messages that chaos delays or doubles travel in batches of their own."""
        prompt: list[MessageTypeDef] = []
        for message in messages:
            first, *copies = self.chaos.deliveries(self.queue.logical_id, self.received)
            self.received += 1
            if first == 0.0:
                prompt.append(message)
            for delay_s in copies if first == 0.0 else [first, *copies]:
                self.executor.submit(self._later, delay_s, [message])
        if self.chaos.reorder:
            random.Random(f"{self.chaos.seed}/{self.received}").shuffle(prompt)
        if prompt:
            self.executor.submit(self._call, prompt, release=True)
        else:
            self._slots.release()

    def _later(self, delay_s: float, messages: list[MessageTypeDef]) -> None:
        self._stopped.wait(delay_s)
        if not self._stopped.is_set():
            self._call(messages, release=False)

    def _call(self, messages: list[MessageTypeDef], *, release: bool) -> None:
        try:
            done = self.invoke(sqs_event(cast("Any", messages), queue_arn=self.queue.arn))
            failed = self._failed(done, {message["MessageId"] for message in messages})
            self._delete([message for message in messages if message["MessageId"] not in failed])
        except Exception as error:  # must not end the executor's thread unseen
            if not self._stopped.is_set():
                self.write_log(f"delivering from {self.queue.logical_id} failed: {error!r}")
        finally:
            if release:
                self._slots.release()

    def _failed(self, done: Invocation, message_ids: set[str]) -> set[str]:
        """Which messages stay in the queue, by Lambda's rules for ReportBatchItemFailures."""
        if not done.ok:
            self.write_log(
                f"{len(message_ids)} message(s) of {self.queue.logical_id} stay until their visibility time-out: "
                f"{done.error_type}: {done.error}"
            )
            return message_ids  # all of them
        if not self.trigger.reports_failures:
            return set()
        failed = reported_failures(done.result, message_ids)
        if failed:
            self.write_log(f"{len(failed)} of {len(message_ids)} message(s) of {self.queue.logical_id} reported failed")
        return failed

    def _delete(self, messages: list[MessageTypeDef]) -> None:
        if messages:
            self.client.delete_message_batch(
                QueueUrl=self.queue.url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)
                ],
            )


def reported_failures(result: Any, message_ids: set[str]) -> set[str]:
    """The failed ids of a handler's answer: null, empty or no list is success, an unknown or empty id fails the batch.

    Source: AWS Lambda developer guide, "Reporting batch item failures", success and failure conditions.
    """
    if not result:
        return set()
    if not isinstance(result, Mapping):
        return message_ids
    failures = result.get("batchItemFailures")
    if not failures:
        return set()
    identifiers = {entry.get("itemIdentifier") if isinstance(entry, Mapping) else None for entry in failures}
    return cast("set[str]", identifiers) if identifiers <= message_ids else message_ids


def queue_depth(client: SQSClient, url: str) -> dict[str, int]:
    """Visible, delayed and in-flight messages of a queue."""
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {
        "visible": int(attributes["ApproximateNumberOfMessages"]),
        "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
        "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    }
