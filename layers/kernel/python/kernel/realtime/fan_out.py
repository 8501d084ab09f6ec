"""Owns the fan-out of one shard: step after step, many clients at a time, each in order (plan.py says why)."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.handler.telemetry import count
from kernel.realtime import messages
from kernel.realtime.plan import Delivery, Fate, Step, plan, slow_ones
from kernel.realtime.pusher import THREADS, Pusher
from kernel.realtime.registry import Registry

#: One fan-out works so long on a shard before it lets another go on.
BUDGET_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one connection came: its fate, and how many of its messages it has."""

    fate: Fate
    pushed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a fan-out did; not `is_done`: somebody must go on, later if clients could not be reached."""

    pushed: int = 0
    gone: int = 0
    slow: int = 0
    expired: int = 0
    is_done: bool = True
    is_throttled: bool = False


class FanOut:
    """Fans out with a pool of threads, made on first use."""

    def __init__(
        self, registry: Registry, pusher: Pusher, clock: Clock, *, elapsed_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry, self._pusher, self._clock, self._elapsed_s = registry, pusher, clock, elapsed_s
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def drain(self, topic: str, shard: int, *, budget_s: float = BUDGET_S) -> Report:
        """Push all that waits in a shard; at once done where another is at it. Raises CacheUnavailable."""
        holder, started_s = secrets.token_hex(8), self._elapsed_s()
        total: Counter[str] = Counter()
        throttled = False
        step = self._registry.step(topic, shard, holder)
        while step is not None:
            left = self._push(step, total)
            throttled = bool(left)
            if throttled or self._elapsed_s() - started_s >= budget_s:
                if self._registry.step(topic, shard, holder, step, left) is None:
                    throttled = False
                    break
                self._registry.release(topic, shard, holder)
                return _told(total, is_done=False, is_throttled=throttled)
            step = self._registry.step(topic, shard, holder, step)
        return _told(total, is_done=True, is_throttled=throttled)

    def close(self) -> None:
        """End the threads; the next fan-out starts others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)

    def _push(self, step: Step, total: Counter[str]) -> Mapping[str, int]:
        """Push one step; the positions of members that could not be reached for now."""
        planned = plan(step, int(self._clock.time_s() * 1000))
        for connection_id in planned.expired:
            self._expire(connection_id)
        reached = dict(
            zip(
                (delivery.connection_id for delivery in planned.deliveries),
                self._threads().map(self._deliver, planned.deliveries),
                strict=True,
            )
        )
        slow = slow_ones({member: end.fate for member, end in reached.items()})
        for member, end in reached.items():
            if end.fate is Fate.GONE or member in slow:
                self._registry.forget(member)
            if member in slow:
                self._pusher.drop(member)
        total["pushed"] += sum(end.pushed for end in reached.values())
        total["gone"] += sum(end.fate is Fate.GONE for end in reached.values())
        total["slow"] += len(slow)
        total["expired"] += len(planned.expired)
        return {
            member: step.after(member, end.pushed)
            for member, end in reached.items()
            if end.fate is Fate.LATER and member not in slow
        }

    def _deliver(self, delivery: Delivery) -> Reached:
        for pushed, text in enumerate(delivery.texts):
            fate = self._pusher.post(delivery.connection_id, text)
            if fate is not Fate.PUSHED:
                return Reached(fate, pushed)
        return Reached(Fate.PUSHED, len(delivery.texts))

    def _expire(self, connection_id: str) -> None:
        """Tell a client that its session has ended; what was private has ended with it."""
        seen = self._registry.seen(connection_id, int(self._clock.time_s() * 1000))
        if seen.has_expired:
            self._pusher.post(connection_id, messages.expired(seen.ended))

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fan-out")
            return self._pool


def _told(total: Counter[str], *, is_done: bool, is_throttled: bool) -> Report:
    for name in ("pushed", "gone", "slow", "expired"):
        if total[name]:
            count(f"realtime_{name}", total[name])
    return Report(
        pushed=total["pushed"],
        gone=total["gone"],
        slow=total["slow"],
        expired=total["expired"],
        is_done=is_done,
        is_throttled=is_throttled,
    )
