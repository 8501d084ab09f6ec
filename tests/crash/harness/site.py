"""What outlives a process: where the servers are, the time, the messages, and what has happened in the world.

All of it lies in plain files of one folder, so that whoever comes after a killed process finds what really was, and the
next run begins in a folder of its own.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from kernel.ids import new_id

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What is different from one plain death. All may be combined.

    caller_gone: whoever asked for the work does not come back; what was committed must still be done.
    rpc_down: the first RPC identity of each chain is away the whole time.
    twice: every message is delivered twice.
    skew_s: the survivor's clock is ahead of the victim's by so much.
    wakes: the victim is not killed but frozen, and goes on once the survivor has settled everything.
    deaths: how many processes die, each at a point of its own, before one lives.
    """

    name: str = "one death"
    caller_gone: bool = False
    rpc_down: bool = False
    twice: bool = False
    skew_s: float = 0.0
    wakes: bool = False
    deaths: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The place of one run; survives JSON. `urls`: of each chain by name, the direct URL first."""

    folder: str
    database_url: str
    seed: int
    run: int = 0
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variation: Variation = field(default_factory=Variation)

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Site":
        """From that line."""
        fields = json.loads(text)
        urls = {name: tuple(urls) for name, urls in fields.pop("urls").items()}
        return cls(**{**fields, "urls": urls, "variation": Variation(**fields["variation"])})

    def path(self, name: str) -> Path:
        """A file of this run."""
        return Path(self.folder, name)


class SharedClock:
    """A kernel.clock.Clock that stands still until it is advanced, for every process of the run alike."""

    def __init__(self, path: Path, skew_s: float = 0.0) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", START.timestamp()))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)
        self._skew_s = skew_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time_s(), UTC)

    def time_s(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0]) + self._skew_s

    def true_time_s(self) -> float:
        """As it is for the chains, whatever this process takes it for."""
        return self.time_s() - self._skew_s

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move everybody's time forward."""
        self._memory[:8] = struct.pack("d", self.true_time_s() + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that waits until its moment."""

    id: str
    at: datetime
    queue: str
    body: Mapping[str, Any]


class AnyMessage(Protocol):
    """What kernel.tasks sends."""

    @property
    def queue(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def delay_s(self) -> int: ...


class At(Protocol):
    """Points.at, or a stand-in for it."""

    def __call__(self, name: str, /) -> AbstractContextManager[None]: ...


class SurvivingQueue:
    """A kernel.tasks.Queues like a standard queue: what was sent is there for whoever lives.

    A message whose receiver died unacknowledged is delivered again, to the next process.
    """

    def __init__(self, path: Path, clock: SharedClock, at: At) -> None:
        path.touch()
        self._path, self._clock, self._at = path, clock, at
        self._read_bytes = 0
        self._waiting: dict[str, Message] = {}

    def send(self, queue: str, body: Mapping[str, Any], *, delay_s: int, attributes: Mapping[str, str]) -> None:
        """Keep one message."""
        self._send(queue, [(body, delay_s)])

    def send_many(self, messages: Iterable[AnyMessage]) -> None:
        """Keep several; those of one queue in one call, as SQS takes them."""
        by_queue: dict[str, list[tuple[Mapping[str, Any], int]]] = {}
        for message in messages:
            by_queue.setdefault(message.queue, []).append((message.body, message.delay_s))
        for queue, batch in by_queue.items():
            self._send(queue, batch)

    def due(self) -> Message | None:
        """The message that has waited longest for its moment, if one is due; it stays until it is acknowledged."""
        first = self.first()
        return first if first is not None and first.at <= self._clock.now() else None

    def first(self) -> Message | None:
        """The next message, due or not."""
        self._catch_up()
        return min(self._waiting.values(), key=lambda message: (message.at, message.id), default=None)

    def depth(self, queue: str) -> int:
        """How many messages wait there."""
        self._catch_up()
        return sum(waiting.queue == queue for waiting in self._waiting.values())

    def others(self, message: Message) -> bool:
        """Whether another message with the same body waits."""
        self._catch_up()
        return sum(waiting.body == message.body for waiting in self._waiting.values()) > 1

    def acknowledge(self, message: Message) -> None:
        """It is not delivered again."""
        self._append({"gone": message.id})

    def hide(self, message: Message, until: datetime) -> None:
        """Somebody has received it; it is delivered again then, unless it was acknowledged."""
        self._append({"id": message.id, "at": until.isoformat(), "queue": message.queue, "body": dict(message.body)})

    def _send(self, queue: str, batch: list[tuple[Mapping[str, Any], int]]) -> None:
        with self._at(f"queue {queue}"):
            for body, delay_s in batch:
                at = self._clock.now() + timedelta(seconds=delay_s)
                self._append({"id": str(new_id()), "at": at.isoformat(), "queue": queue, "body": dict(body)})

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def _catch_up(self) -> None:
        """Read what other processes have written, too."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            lines = file.read()
        self._read_bytes += len(lines)
        for line in map(json.loads, lines.splitlines()):
            if "gone" in line:
                self._waiting.pop(line["gone"], None)
            else:
                self._waiting[line["id"]] = Message(**{**line, "at": datetime.fromisoformat(line["at"])})


class Happened:
    """What the world has done in this run, whoever was alive to see it."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path = path

    def __contains__(self, event: str) -> bool:
        return event in self._path.read_text().splitlines()

    def add(self, event: str) -> None:
        """Remember it."""
        with self._path.open("a") as file:
            file.write(f"{event}\n")
            os.fsync(file.fileno())
