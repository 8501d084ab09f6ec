"""WebSocket clients of the realtime tests, and the stack of the local runner that serves them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from kernel.auth import Role, Tokens
from kernel.clock import SystemClock
from kernel.realtime import Realtime, Registry
from kernel.tasks import SqsSender
from kernel.upstash import Upstash

T = TypeVar("T")
PATIENCE_S = 60.0
# What every container of this slice needs is warm; the rest of the bundle is not.
WARM = (("kernel.wiring", "functions.ops.wiring"), ("httpx", "upstash_redis", "upstash_ratelimit", "boto3", "jwt"))
JWT_SECRET = "only-for-tests-" + "fedcba9876543210" * 2


class House:
    """A stack with the ops slice, and a publisher beside it, as any slice is one."""

    def __init__(self, stack: Stack, redis: RedisRest, sqs: Any) -> None:
        self.stack, self.redis = stack, redis
        prefix = stack.queues["OpsFanOutQueue"].url.removesuffix("ops-fan-out")
        self._upstash = Upstash(redis.rest_url, redis.token)
        self.registry = Registry(self._upstash)
        self.realtime = Realtime(self.registry, SqsSender(prefix, sqs), SystemClock())

    def publish(self, topic: str, *numbers: int) -> None:
        for n in numbers:
            self.realtime.publish(topic, {"n": n})

    def token(self, subject: str, *, age_s: float = 0) -> str:
        """A session that began `age_s` ago: of its fifteen minutes the rest is left."""
        clock = Shifted(-age_s)
        return Tokens(SecretStr(JWT_SECRET), clock=clock).issue(subject, role=Role.VIEWER)

    def close(self) -> None:
        self._upstash.close()


class Shifted(SystemClock):
    """The present, moved."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s

    def time_s(self) -> float:
        return super().time_s() + self._by_s


@contextmanager
def ops_stack(aws: Aws, redis: RedisRest, children: Children, folder: Path) -> Iterator[Stack]:
    """The ops slice, started; its minute handlers find no database, which is none of theirs here."""
    environment = {
        **aws.env,
        "COUNTERPART_STAGE": "local",
        "COUNTERPART_DATABASE_URL": "plain:postgresql://127.0.0.1:1/none",
        "COUNTERPART_REDIS_REST_URL": redis.rest_url,
        "COUNTERPART_REDIS_REST_TOKEN": f"plain:{redis.token}",
        "COUNTERPART_KMS_KEY_ID": "alias/none",
        "COUNTERPART_JWT_SECRET": f"plain:{JWT_SECRET}",
    }
    with Runner(environment, folder=folder, children=children, warm=WARM) as runner:
        yield runner.stack("realtime", services=("ops",)).start()


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

    async def until_more(self, known: int) -> None:
        """Wait until it was told more than so many messages."""
        await self.until(lambda: True if len(self.told) > known else None)

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


@asynccontextmanager
async def everybody(url: str, count: int, *, subscribes: bool = True) -> AsyncIterator[list[Listener]]:
    """So many clients that read the topic system, connected a few at a time."""
    gate = asyncio.Semaphore(32)

    async def one() -> Listener:
        async with gate:
            listener = await Listener(url).open()
            if subscribes:
                answer = await listener.say(action="subscribe", topics=["system"])
                assert answer["type"] == "ack", answer
            return listener

    listeners = list(await asyncio.gather(*(one() for _ in range(count))))
    try:
        yield listeners
    finally:
        await asyncio.gather(*(listener.close() for listener in listeners))
