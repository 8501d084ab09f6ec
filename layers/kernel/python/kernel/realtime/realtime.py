"""Owns publishing: a message gets its number once the transaction that it tells of is committed, then goes out.

    realtime.publish("contest:42", {"standings": […]}, after=tx)

Nothing is published of a transaction that rolls back. A process that dies between commit and publication publishes
nothing either: a message is news of what can be read, never the only place where it stands. Who must be sure publishes
from a task, under a key of its own: the same key within ten minutes is the same message.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from kernel.clock import Clock
from kernel.ids import new_id
from kernel.postgres.transaction import Transaction
from kernel.realtime import messages
from kernel.realtime.fan_out import FanOut, Report
from kernel.realtime.registry import Published, Registry
from kernel.realtime.topics import topic_named
from kernel.realtime.vocabulary import MessageInvalid
from kernel.tasks.messages import MessageSender, OutgoingMessage

QUEUE: Final = "ops-fan-out"
#: How long a throttled fan-out waits before it goes on.
PAUSE_S: Final = 2


class Publisher(Protocol):
    """What a slice publishes with."""

    def publish(
        self, topic: str, body: Mapping[str, Any], *, after: Transaction | None = None, key: str | None = None
    ) -> None:
        """Tell everybody who reads the topic. Raises TopicUnknown, TooLarge; CacheUnavailable, QueueUnavailable."""
        ...

    def publish_many(self, bodies: Mapping[str, Mapping[str, Any]], *, key: str) -> None:
        """Tell the readers of several topics now, all in one step. Raises what publish raises."""
        ...


class Realtime:
    """Publishes, and has each shard of the readers served: by queue messages, or here when they are few."""

    def __init__(
        self,
        registry: Registry,
        queues: MessageSender,
        clock: Clock,
        *,
        fan_out: FanOut | None = None,
        shards_here: int = 0,
    ) -> None:
        """shards_here: topics with so many shards at most are served by the publisher itself, if it has a fan_out."""
        self._registry, self._queues, self._clock = registry, queues, clock
        self._fan_out, self._shards_here = fan_out, shards_here if fan_out else 0

    def publish(
        self, topic: str, body: Mapping[str, Any], *, after: Transaction | None = None, key: str | None = None
    ) -> None:
        """Tell everybody who reads the topic: now, or after the transaction's commit and only then.

        Raises TopicUnknown, TooLarge at once; CacheUnavailable, QueueUnavailable only where it publishes now.
        """
        name = topic_named(topic).name
        head, tail = messages.split(name, body, self._clock.now())
        identity = key or new_id().hex

        def send() -> None:
            self._spread(name, self._registry.publish(name, identity, head, tail))

        if after is None:
            send()
        else:
            after.after_commit(send)

    def publish_many(self, bodies: Mapping[str, Mapping[str, Any]], *, key: str) -> None:
        """Tell the readers of several topics now. A repetition with the key, after a death too, tells nothing twice."""
        now, told = self._clock.now(), []
        for topic, body in bodies.items():
            name = topic_named(topic).name
            told.append((name, key, *messages.split(name, body, now)))
        published = self._registry.publish_many(told)
        orders = [
            (name, shard)
            for (name, *_), one in zip(told, published, strict=True)
            if one.members
            for shard in range(one.shards)
        ]
        if orders:
            self._queues.send_many([_order(name, shard) for name, shard in orders])

    def serve(self, topic: str, shard: int) -> Report | None:
        """Have one shard served, here or by a queue message."""
        if self._fan_out is not None and self._shards_here:
            return self.fan_out(topic, shard)
        self._queues.send_many([_order(topic, shard)])
        return None

    def fan_out(self, topic: str, shard: int) -> Report:
        """Serve one shard here; what is left over is for the next. Raises CacheUnavailable, QueueUnavailable."""
        if self._fan_out is None:
            raise ValueError("only a container that may post to connections fans out")
        report = self._fan_out.drain(topic, shard)
        if not report.is_done:
            self._queues.send_many([_order(topic, shard, delay_s=PAUSE_S if report.is_throttled else 0)])
        return report

    def _spread(self, topic: str, published: Published) -> None:
        if published.members == 0:
            return
        if published.shards <= self._shards_here:
            for shard in range(published.shards):
                self.fan_out(topic, shard)
            return
        self._queues.send_many([_order(topic, shard) for shard in range(published.shards)])


def order_of(body: Any) -> tuple[str, int]:
    """Topic and shard of a queue message. Raises TopicUnknown, MessageInvalid."""
    topic, shard = (body.get("topic"), body.get("shard")) if isinstance(body, dict) else (None, None)
    if not isinstance(topic, str) or isinstance(shard, bool) or not isinstance(shard, int) or shard < 0:
        raise MessageInvalid(field="shard")
    return topic_named(topic).name, shard


def _order(topic: str, shard: int, delay_s: int = 0) -> OutgoingMessage:
    return OutgoingMessage(queue=QUEUE, body={"topic": topic, "shard": shard}, delay_s=delay_s)
