"""Owns handlers of raw SQS messages, and the loop over a batch that every SQS trigger shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from kernel import strict_json
from kernel.errors import Rejected
from kernel.handler.deadline import MARGIN_S, remaining_s
from kernel.handler.entry import Container, Entry, handler_name, report_failure
from kernel.handler.telemetry import correlated, count, logger
from kernel.ids import accepted_correlation_id

D = TypeVar("D")
BatchAnswer = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One SQS message as it came."""

    message_id: str
    queue: str
    body: str
    attributes: Mapping[str, str]
    receive_count: int
    sent_at: datetime
    correlation_id: str

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return strict_json.read(self.body)


def queue_handler(build_deps: Callable[[], D]) -> Callable[[Callable[[Message, D], None]], Entry[D]]:
    """A handler of raw messages: a Rejected one is dropped with a record, any other failure leaves it in the queue."""

    def decorate(function: Callable[[Message, D], None]) -> Entry[D]:
        def act(event: Mapping[str, Any], context: Any, container: Container[D]) -> BatchAnswer:
            def take(message: Message) -> None:
                try:
                    function(message, container.deps())
                except Rejected as refused:
                    report_failure(refused, "the message is dropped")

            return each_message(event, context, take)

        return Entry(handler_name(function), Container(build_deps), act)

    return decorate


def each_message(event: Mapping[str, Any], context: Any, take: Callable[[Message], None]) -> BatchAnswer:
    """Take the messages one by one; the answer names those that SQS shall deliver again.

    A failure of one leaves the others alone. When the time is nearly used up, the rest is handed back untouched.
    """
    handed_back: list[dict[str, str]] = []
    for position, record in enumerate(event["Records"]):
        message = message_of(record)
        left_s = remaining_s(context)
        if left_s is not None and left_s < MARGIN_S and position > 0:
            handed_back.append({"itemIdentifier": message.message_id})
            continue
        with correlated(message.correlation_id), logger.append_context_keys(message_id=message.message_id):
            try:
                take(message)
            except Exception as failure:
                report_failure(failure, "the message stays in its queue")
                handed_back.append({"itemIdentifier": message.message_id})
    count("messages", len(event["Records"]))
    return {"batchItemFailures": handed_back}


def message_of(record: Mapping[str, Any]) -> Message:
    """The message in one record of an SQS event; only its text attributes are kept."""
    attributes = {
        name: attribute["stringValue"]
        for name, attribute in (record.get("messageAttributes") or {}).items()
        if "stringValue" in attribute
    }
    system = record.get("attributes") or {}
    return Message(
        message_id=record["messageId"],
        queue=str(record.get("eventSourceARN", "")).rpartition(":")[2],
        body=record["body"],
        attributes=attributes,
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        correlation_id=accepted_correlation_id(attributes.get("correlation_id")),
    )
