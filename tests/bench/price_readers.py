"""Readers of prices as a program of its own: `python -m tests.bench.price_readers '{"port": 1, ...}' <file>`.

Each reader has a connection from an address of its own and, where it was given one, a key. In the open loop requests
come when they come, at random, whether those before them are answered or not: a request's time counts from the moment
it was due, also while its connection is still busy with another. In the closed loop each reader asks again as soon as
it has its answer. What was answered, and how fast, is written into the file.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the readers do. per_second: requests of all, 0 in a closed loop; paths: each with its weight."""

    port: int
    clients: int
    seconds: float
    per_second: float
    paths: list[tuple[float, str]]
    keys: list[str]
    seed: int = 20261121


@dataclass
class Seen:
    """What was answered, by path's first words how long it took; how late the generator itself was at the worst."""

    took_ms: list[float] = field(default_factory=list)
    by_path: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    lag_ms: float = 0.0
    lasted_s: float = 0.0


class Reader:
    """One connection: its requests go out one after the other, in the order in which they were due."""

    def __init__(self, plan: Plan, number: int, seen: Seen) -> None:
        self.plan, self.number, self.seen = plan, number, seen
        self.turn = asyncio.Lock()
        key = plan.keys[number] if number < len(plan.keys) else ""
        self.head = f"host: x\r\n{f'x-api-key: {key}' if key else 'x-visitor: yes'}\r\n\r\n"

    async def open(self) -> None:
        """Connect."""
        address = f"127.{1 + self.number // 250}.2.{1 + self.number % 250}"
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.plan.port, local_addr=(address, 0))

    async def ask(self, path: str, due_s: float) -> None:
        """One request, timed from when it was due."""
        async with self.turn:
            if self.reader.at_eof():  # the server lets go of what was idle for five seconds
                self.writer.close()
                await self.open()
            self.writer.write(f"GET {path} HTTP/1.1\r\n{self.head}".encode())
            status, length = await self._answer()
        took_ms = 1000 * (time.perf_counter() - due_s)
        self.seen.took_ms.append(took_ms)
        self.seen.by_path.setdefault(path.partition("?")[0], []).append(took_ms)
        self.seen.statuses[str(status)] += 1
        self.seen.bytes += length

    async def _answer(self) -> tuple[int, int]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        await self.reader.readexactly(length)
        return int(head.split(" ")[1]), length


async def open_loop(plan: Plan, readers: list[Reader], seen: Seen) -> None:
    """Requests at random moments, `per_second` of them in the mean, to one connection after the other."""
    dice, asked = random.Random(plan.seed), []
    weights, paths = zip(*plan.paths, strict=True)
    due_s = began_s = time.perf_counter()
    for reader in itertools.cycle(readers):
        due_s += dice.expovariate(plan.per_second)
        if due_s > began_s + plan.seconds:
            break
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        seen.lag_ms = max(seen.lag_ms, 1000 * (time.perf_counter() - due_s))
        (path,) = dice.choices(paths, weights)
        asked.append(asyncio.create_task(reader.ask(path, due_s)))
    await asyncio.gather(*asked)


async def closed_loop(plan: Plan, readers: list[Reader], _seen: Seen) -> None:
    """Every reader asks again at once."""
    weights, paths = zip(*plan.paths, strict=True)
    until_s = time.perf_counter() + plan.seconds

    async def read(reader: Reader) -> None:
        dice = random.Random(plan.seed + reader.number)
        while (now_s := time.perf_counter()) < until_s:
            await reader.ask(dice.choices(paths, weights)[0], now_s)

    await asyncio.gather(*(read(reader) for reader in readers))


async def crowd(plan: Plan) -> Seen:
    """All of them at once."""
    seen = Seen()
    readers = [Reader(plan, number, seen) for number in range(plan.clients)]
    await asyncio.gather(*(reader.open() for reader in readers))
    began_s = time.perf_counter()
    await (open_loop if plan.per_second else closed_loop)(plan, readers, seen)
    seen.lasted_s = time.perf_counter() - began_s
    for reader in readers:
        reader.writer.close()
    return seen


if __name__ == "__main__":
    told: dict[str, Any] = json.loads(sys.argv[1])
    result = asyncio.run(crowd(Plan(**told)))
    whole = Path(sys.argv[2])
    part = whole.with_suffix(".part")
    part.write_text(json.dumps(vars(result)), encoding="utf-8")
    part.rename(whole)  # whoever waits for it finds all of it
