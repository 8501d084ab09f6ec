"""Owns the way to SQS: batches of ten, and boto3 imported when the first message goes out."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from kernel import aws
from kernel.errors import Transient
from kernel.tasks.messages import OutgoingMessage

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_MAX = 10
#: A queue that answers later than this is away; the sweeper sends again.
TIMEOUT_S = 3


class QueueUnavailable(Transient):
    """The message queue does not answer."""

    cause = "SQS refused the message or timed out."
    remedy = "Nothing is lost: what was committed is sent by the sweeper within a minute or two."


class QueueRefused(QueueUnavailable):
    """The message queue refuses the message."""

    cause = "The queue is not deployed, may not be written to, or is throttled; other queues are well."


class SqsSender:
    """A MessageSender over boto3; the endpoint and the credentials are boto3's own business."""

    def __init__(self, queue_url_prefix: str, client: "SQSClient | None" = None) -> None:
        """queue_url_prefix: what comes before "<service>-<queue>" in a queue's URL."""
        self._prefix = queue_url_prefix
        self._given = client

    def send(self, queue: str, body: Mapping[str, Any], *, delay_s: int, attributes: Mapping[str, str]) -> None:
        """Send one message. Raises QueueUnavailable."""
        self.send_many([OutgoingMessage(queue=queue, body=body, delay_s=delay_s, attributes=attributes)])

    def send_many(self, messages: Sequence[OutgoingMessage]) -> None:
        """Send messages in batches of ten a queue; QueueUnavailable unless every one was taken.

        A refused batch (a queue that is not deployed yet, a throttled message) holds up no other one. Where nobody
        answers at all the rest is not tried: each batch would cost its time-out.
        """
        refused: QueueRefused | None = None
        for queue, group in groupby(sorted(messages, key=lambda message: message.queue), lambda message: message.queue):
            batch = list(group)
            for start in range(0, len(batch), BATCH_MAX):
                try:
                    self._send_batch(queue, batch[start : start + BATCH_MAX])
                except QueueRefused as refusal:
                    refused = refused or refusal
        if refused is not None:
            raise refused

    def close(self) -> None:
        """Give the connections back; the next message opens others."""
        client = vars(self).pop("_client", None)
        if client is not None:
            client.close()

    def depth(self, queue: str) -> int:
        """About how many messages wait there. Raises QueueUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        try:
            answer = self._client.get_queue_attributes(QueueUrl=self._prefix + queue, AttributeNames=[name])
        except BotoCoreError as silence:
            raise QueueUnavailable(queue=queue, reason=str(silence)[:200]) from silence
        except ClientError as refusal:
            raise QueueRefused(queue=queue, reason=str(refusal)[:200]) from refusal
        return int(answer["Attributes"][name])

    def _send_batch(self, queue: str, messages: Sequence[OutgoingMessage]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [_entry(i, message) for i, message in enumerate(messages)]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._prefix + queue, Entries=entries)
        except BotoCoreError as silence:
            raise QueueUnavailable(queue=queue, reason=str(silence)[:200]) from silence
        except ClientError as refusal:
            raise QueueRefused(queue=queue, reason=str(refusal)[:200]) from refusal
        if refused := answer.get("Failed"):
            raise QueueRefused(queue=queue, refused=len(refused), reason=refused[0].get("Message", "")[:200])

    @cached_property
    def _client(self) -> "SQSClient":
        made: SQSClient = self._given or aws.client("sqs", connect_timeout_s=TIMEOUT_S, read_timeout_s=TIMEOUT_S)
        return made


def _entry(i: int, message: OutgoingMessage) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(i),
        "MessageBody": json.dumps(message.body, separators=(",", ":")),
        "DelaySeconds": message.delay_s,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    }
