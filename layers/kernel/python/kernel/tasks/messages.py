"""Owns what is sent about tasks: a message is a hint that carries an id, to a queue named after the kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from kernel.tasks.model import DELAY_MAX_S

#: What is due within this is sent at once, with a delay; the sweeper comes by every minute and sends the rest.
SEND_AHEAD_S = 120
#: How long the sweeper leaves a message to whoever committed the task and is about to send it.
SEND_GRACE_S = 5
#: SQS keeps a sent message until it is acknowledged or dead, so a task is only sent again after this to be sure.
SENT_AGAIN_AFTER_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One message for one queue, named without the stage's prefix."""

    queue: str
    body: Mapping[str, Any]
    delay_s: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


class MessageSender(Protocol):
    """A standard queue: delivers at least once, in any order. Raises QueueUnavailable when it does not answer."""

    def send(self, queue: str, body: Mapping[str, Any], *, delay_s: int, attributes: Mapping[str, str]) -> None:
        """Send one message, to be delivered after 0 to 900 seconds."""
        ...

    def send_many(self, messages: Sequence[OutgoingMessage]) -> None:
        """Send several messages, in as few calls as it takes."""
        ...


class Queues(MessageSender, Protocol):
    """Queues that can be looked at, too."""

    def depth(self, queue: str) -> int:
        """About how many messages wait there; also a sign of life. Raises QueueUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A task about which a message is to be sent."""

    id: UUID
    kind: str
    run_at: datetime
    resend_s: Sequence[int]
    #: 0 before the first claim: only then the insurance messages go along.
    fence: int
    correlation_id: str | None


def queue_of(kind: str) -> str:
    """The queue of a kind: "oracle.submit_transaction" is served from "oracle-submit-transaction"."""
    return kind.replace(".", "-").replace("_", "-")


def is_due_soon(run_at: datetime, now: datetime) -> bool:
    """Whether a message is sent right after the commit."""
    return run_at - now <= timedelta(seconds=SEND_AHEAD_S)


def sweep_before_sending(run_at: datetime, now: datetime) -> datetime:
    """When the sweeper is to look at a task whose message is about to be sent, or is not yet to be."""
    if is_due_soon(run_at, now):
        return now + timedelta(seconds=SEND_GRACE_S)
    return run_at - timedelta(seconds=SEND_AHEAD_S)


def sweep_after_sending(run_at: datetime, now: datetime) -> datetime:
    """When the sweeper is to look at a task whose message is on its way."""
    return max(run_at, now) + timedelta(seconds=SENT_AGAIN_AFTER_S)


def messages_for(tasks: Iterable[Pending], now: datetime) -> list[OutgoingMessage]:
    """The messages about these tasks: one each, and before the first claim its insurance."""
    return [
        _message(task, later_s, now) for task in tasks for later_s in (0, *(task.resend_s if task.fence == 0 else ()))
    ]


def insurance_for(tasks: Iterable[Pending], now: datetime) -> list[OutgoingMessage]:
    """The further messages alone. About a task that is never committed they say nothing, and do no harm."""
    return [_message(task, later_s, now) for task in tasks for later_s in task.resend_s]


def _message(task: Pending, later_s: int, now: datetime) -> OutgoingMessage:
    return OutgoingMessage(
        queue=queue_of(task.kind),
        body={"task_id": str(task.id)},
        delay_s=_delay_s(task.run_at + timedelta(seconds=later_s), now),
        attributes={"correlation_id": task.correlation_id} if task.correlation_id else {},
    )


def _delay_s(at: datetime, now: datetime) -> int:
    # Rounded down: a worker sleeps the fraction it is early, but cannot get back one it is late.
    return min(DELAY_MAX_S, max(0, int((at - now).total_seconds())))
