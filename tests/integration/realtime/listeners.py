"""WebSocket clients of the realtime tests, and the stack of the local runner that serves them."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from infra.local.redis import RedisRest
from infra.local.runner.stack import Stack
from kernel.auth import Role, Tokens
from kernel.clock import SystemClock
from kernel.realtime import Realtime, Registry
from kernel.tasks import SqsSender

T = TypeVar("T")
PATIENCE_S = 60.0
JWT_SECRET = "only-for-tests-" + "fedcba9876543210" * 2


class House:
    """A stack with the ops slice, and a publisher beside it, as any slice is one."""

    def __init__(self, stack: Stack, redis: RedisRest, sqs: Any) -> None:
        self.stack, self.redis = stack, redis
        prefix = stack.queues["OpsFanOutQueue"].url.removesuffix("ops-fan-out")
        self.registry = Registry(redis.rest_url, redis.token)
        self.realtime = Realtime(self.registry, SqsSender(prefix, sqs), SystemClock())

    def publish(self, topic: str, *numbers: int) -> None:
        for n in numbers:
            self.realtime.publish(topic, {"n": n})

    def token(self, subject: str, *, age_s: float = 0) -> str:
        """A session that began `age_s` ago: of its fifteen minutes the rest is left."""
        clock = Shifted(-age_s)
        return Tokens(SecretStr(JWT_SECRET), clock=clock).issue(subject, role=Role.VIEWER)

    def close(self) -> None:
        self.registry.close()


class Shifted(SystemClock):
    """The present, moved."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s

    def time_s(self) -> float:
        return super().time_s() + self._by_s


@dataclass
class Listener:
    """One client: everything it was told, with the moment it came."""

    url: str
    subprotocols: list[str] | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    came_at_s: list[float] = field(default_factory=list)
    _socket: ClientConnection | None = None
    _reading: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def socket(self) -> ClientConnection:
        assert self._socket is not None
        return self._socket

    async def open(self) -> Self:
        protocols: Any = self.subprotocols
        self._socket = await connect(
            self.url, subprotocols=protocols, proxy=None, compression=None, open_timeout=PATIENCE_S, ping_interval=None
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        async for text in self.socket:
            self.came_at_s.append(time.perf_counter())
            self.told.append(json.loads(text))
            self._news.set()

    async def say(self, **body: Any) -> dict[str, Any]:
        """Say something; the answer to it."""
        id_ = f"q{len(self.told)}-{time.perf_counter_ns()}"
        await self.socket.send(json.dumps({**body, "id": id_}))
        return await self.until(lambda: next((message for message in self.told if message.get("id") == id_), None))

    async def until(self, seen: Callable[[], T | None]) -> T:
        """Wait until something has come."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := seen()) is None:
                self._news.clear()
                await self._news.wait()
        return found

    async def until_sequence(self, sequence: int, topic: str | None = None) -> None:
        await self.until(lambda: True if sequence in self.sequences(topic) else None)

    def sequences(self, topic: str | None = None) -> list[int]:
        return [
            message["sequence"]
            for message in self.told
            if message["type"] == "data" and topic in (None, message["topic"])
        ]

    def events(self) -> list[str]:
        return [message["event"] for message in self.told if message["type"] == "system"]

    async def close(self) -> None:
        await self.socket.close()
        if self._reading is not None:
            await self._reading

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
