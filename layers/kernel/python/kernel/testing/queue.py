"""Owns the queue of tests: standard SQS as far as the kernel relies on it, with time taken from a clock."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.clock import Clock
from kernel.ids import new_id
from kernel.testing.clock import FakeClock

LONGEST_DELAY_S = 900
DEFAULT_VISIBILITY_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """What was handed to the sender."""

    queue: str
    body: Mapping[str, Any]
    delay_s: int
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """A message in flight: hidden until `visible_at_s`, gone once deleted."""

    message_id: str
    receipt: str
    body: Mapping[str, Any]
    attributes: Mapping[str, str]
    visible_at_s: float
    receive_count: int


@dataclass(slots=True)
class InMemoryQueue:
    """A kernel.tasks.MessageSender that keeps what it was sent and can be received from.

    Like a standard queue it delivers at least once and promises no order; `failing` makes every send raise it.
    """

    clock: Clock = field(default_factory=FakeClock)
    sent: list[SentMessage] = field(default_factory=list)
    failing: Exception | None = None
    _queues: dict[str, list[ReceivedMessage]] = field(default_factory=dict)

    def send(
        self, queue: str, body: Mapping[str, Any], *, delay_s: int = 0, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Keep one message, hidden for `delay_s` seconds (0 to 900)."""
        if not 0 <= delay_s <= LONGEST_DELAY_S:
            raise ValueError(f"a message is delayed by 0 to {LONGEST_DELAY_S} s, not {delay_s}")
        if self.failing is not None:
            raise self.failing
        stored = json.loads(json.dumps(body))  # a body must survive JSON, as it must on the way through SQS
        self.sent.append(SentMessage(queue=queue, body=stored, delay_s=delay_s, attributes=dict(attributes or {})))
        self._queues.setdefault(queue, []).append(
            ReceivedMessage(
                message_id=str(new_id()),
                receipt="",
                body=stored,
                attributes=dict(attributes or {}),
                visible_at_s=self.clock.time_s() + delay_s,
                receive_count=0,
            )
        )

    def send_many(self, messages: Iterable[Any]) -> None:
        """Keep several messages; each has the fields of SentMessage."""
        for message in messages:
            self.send(message.queue, message.body, delay_s=message.delay_s, attributes=message.attributes)

    def depth(self, queue: str) -> int:
        """How many messages wait there."""
        if self.failing is not None:
            raise self.failing
        return sum(message.visible_at_s <= self.clock.time_s() for message in self._queues.get(queue, []))

    def receive(
        self, queue: str, *, most: int = 10, visibility_s: float = DEFAULT_VISIBILITY_S
    ) -> list[ReceivedMessage]:
        """Up to `most` visible messages, hidden from others for `visibility_s` seconds."""
        now_s = self.clock.time_s()
        waiting = self._queues.setdefault(queue, [])
        received: list[ReceivedMessage] = []
        for i, message in enumerate(waiting):
            if message.visible_at_s <= now_s and len(received) < most:
                waiting[i] = replace(
                    message,
                    receipt=str(new_id()),
                    visible_at_s=now_s + visibility_s,
                    receive_count=message.receive_count + 1,
                )
                received.append(waiting[i])
        return received

    def delete(self, queue: str, receipt: str) -> None:
        """Acknowledge; an old receipt is ignored, as SQS may."""
        self._queues[queue] = [message for message in self._queues.get(queue, []) if message.receipt != receipt]
