"""Owns the register in Redis: who is connected, who reads what, and how far; every method is one atomic step."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from kernel.realtime import scripts
from kernel.realtime.plan import Step
from kernel.realtime.topics import Reader, Topic
from kernel.realtime.vocabulary import Position

if TYPE_CHECKING:
    from kernel.upstash import Upstash

#: Messages of a topic that a returning client can still get.
BACKLOG: Final = 256
#: Subscribers of a topic that one fan-out serves.
SHARD_SIZE: Final = 250
TOPICS_PER_CONNECTION: Final = 64
#: A fan-out that takes longer is given up for dead, and repeated by another.
LEASE_MS: Final = 30_000
POSTS_PER_STEP: Final = 4_000
BYTES_PER_STEP: Final = 512 * 1024


class Verdict(StrEnum):
    """What became of a subscription."""

    NEW = "new"
    RESUMED = "resumed"
    #: Redis lost the topic since: the client reads the state anew.
    EPOCH_CHANGED = "epoch_changed"
    #: More came meanwhile than is kept: the client reads the state anew.
    BEYOND_BACKLOG = "beyond_backlog"
    #: The connection is not registered (any more).
    UNKNOWN = "unknown"
    #: The connection has as many topics as one may have.
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A subscription, and where its messages begin: after `sequence`, unless it resumed."""

    verdict: Verdict
    epoch: str
    sequence: int
    shard: int
    #: Whether messages wait for this subscriber, so that somebody must fan out.
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A connection as the register knows it."""

    is_known: bool
    reader: Reader
    #: Whether its session ended since it was last seen, and the topics that ended with it.
    has_expired: bool
    ended: tuple[str, ...]
    #: Topic -> where it is now; epoch "" where the register lost the subscription.
    positions: Mapping[str, Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A message's place, and how many it goes to."""

    epoch: str
    sequence: int
    shards: int
    members: int


class Registry:
    """The register in Upstash Redis. Every method raises CacheUnavailable."""

    def __init__(
        self,
        upstash: "Upstash",
        *,
        backlog: int = BACKLOG,
        shard_size: int = SHARD_SIZE,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._upstash = upstash
        self._backlog, self._shard_size, self._lease_ms = backlog, shard_size, lease_ms

    def register(self, connection_id: str, reader: Reader, ends_ms: int = 0) -> None:
        """Register a connection; ends_ms: when its session ends."""
        self._run(scripts.OPEN, connection_id, *_words(reader), ends_ms)

    def forget(self, connection_id: str) -> int:
        """Forget a connection and its subscriptions; how many topics it left."""
        return int(self._run(scripts.CLOSE, connection_id))

    def seen(self, connection_id: str, now_ms: int) -> Seen:
        """The connection as it stands at this moment; a session that is over ends here, with its private topics."""
        known, subject, admin, ended, positions = self._run(scripts.SEEN, connection_id, now_ms)
        return Seen(
            is_known=bool(known),
            reader=Reader(subject=subject or None, is_admin=admin == "1"),
            has_expired=bool(ended),
            ended=tuple(ended[1:]),
            positions={topic: Position(epoch, int(sequence)) for topic, epoch, sequence in positions},
        )

    def authenticate(self, connection_id: str, reader: Reader, ends_ms: int) -> tuple[str, ...] | None:
        """Give the connection a session; the private topics it loses to another person's, None when it is unknown."""
        known, lost = self._run(scripts.AUTHENTICATE, connection_id, *_words(reader), ends_ms)
        return tuple(lost) if known else None

    def join(self, connection_id: str, topic: Topic, position: Position | None = None) -> Joined:
        """Subscribe; twice is once. With a position: from there on, if it can still be had."""
        epoch, sequence = (position.epoch, position.sequence) if position else ("", 0)
        verdict, epoch, sequence, shard, waits = self._run(
            scripts.JOIN,
            connection_id,
            topic.name,
            "0" if topic.is_public else "1",
            _fresh_epoch(),
            epoch,
            sequence,
            self._shard_size,
            TOPICS_PER_CONNECTION,
        )
        return Joined(
            verdict=Verdict(verdict), epoch=epoch, sequence=int(sequence), shard=int(shard), waits=bool(waits)
        )

    def leave(self, connection_id: str, topics: Iterable[str]) -> int:
        """Unsubscribe; how many of the topics it had."""
        return int(self._run(scripts.LEAVE, connection_id, *topics))

    def publish(self, topic: str, key: str, head: str, tail: str) -> Published:
        """Store a message under the next number of its topic; the same key again is the same message."""
        return self.publish_many([(topic, key, head, tail)])[0]

    def publish_many(self, told: Sequence[tuple[str, str, str, str]]) -> list[Published]:
        """The same for several (topic, key, head, tail): all of them or none, in one round trip."""
        words = [word for message in told for word in message]
        return [
            Published(epoch=epoch, sequence=int(sequence), shards=int(shards), members=int(members))
            for epoch, sequence, shards, members in self._run(scripts.PUBLISH, _fresh_epoch(), self._backlog, *words)
        ]

    def last(self, topic: str) -> tuple[Position, str]:
        """Where the topic is, and its last message; "" where there is none."""
        epoch, sequence, text = self._run(scripts.LAST, topic)
        return Position(epoch, int(sequence)), text

    def step(
        self, topic: str, shard: int, holder: str, done: Step | None = None, left: Mapping[str, int] | None = None
    ) -> Step | None:
        """What to fan out next; None when nothing waits or another is at it.

        done: the step that was just finished. left: the positions of its members that could not be reached for now.
        """
        finished: list[Any] = ["", 0, 0]
        if done is not None:
            served, behind = (
                [word for pair in pairs.items() for word in pair] for pairs in (done.positions, left or {})
            )
            finished = [done.epoch, done.upto, len(served), *served, *behind]
        answer = self._run(
            scripts.STEP, topic, shard, holder, self._lease_ms, POSTS_PER_STEP, BYTES_PER_STEP, *finished
        )
        if answer[0] != "work":
            return None
        epoch, cursor, oldest, first, upto, texts, members, positions = answer[1:]
        return Step(
            topic=topic,
            shard=shard,
            epoch=epoch,
            cursor=int(cursor),
            oldest=int(oldest),
            first=int(first),
            upto=int(upto),
            texts=texts,
            members=_numbers(members),
            positions=_numbers(positions),
        )

    def release(self, topic: str, shard: int, holder: str) -> None:
        """Let another go on with a shard."""
        self._run(scripts.RELEASE, topic, shard, holder)

    def _run(self, script: str, *arguments: object) -> Any:
        words = [str(argument) for argument in arguments]
        return self._upstash.ask(lambda redis: redis.eval(script, keys=[], args=words))


def _words(reader: Reader) -> tuple[str, str]:
    return reader.subject or "", "1" if reader.is_admin else "0"


def _numbers(flat: Sequence[str]) -> dict[str, int]:
    return {name: int(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _fresh_epoch() -> str:
    return secrets.token_hex(8)
