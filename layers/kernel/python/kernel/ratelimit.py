"""Owns rate limits: a sliding window per identity, from a second to an hour, counted in Redis and nowhere else.

When Redis does not answer there is nothing to count with: reads go on without limits, while writes and sign-ins are
refused with RateLimitUnavailable, since a guesser of passwords must not gain from an outage.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from kernel.clock import Clock, SystemClock
from kernel.errors import CacheUnavailable, Detail, RateLimited, RateLimitUnavailable

if TYPE_CHECKING:
    from upstash_ratelimit import Response
    from upstash_redis import Redis

    from kernel.upstash import Upstash


class Window(Enum):
    """Over how many milliseconds requests are counted."""

    HOUR = 3_600_000
    QUARTER_HOUR = 900_000
    MINUTE = 60_000
    SECOND = 1_000

    @property
    def ms(self) -> int:
        """Its length."""
        return self.value

    @property
    def word(self) -> str:
        """Its name in details."""
        return self.name.lower()


#: Each window is counted apart from the others, whatever their numbers are.
_PREFIXES: Final = {one: "ratelimit" if one is Window.MINUTE else f"ratelimit-{one.word}" for one in Window}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether one request fits, how many more do, and in how many milliseconds the window turns."""

    allowed: bool
    remaining: int
    reset_ms: int


class Limiter(Protocol):
    """Counts requests."""

    def check(self, identity: str, limit: int, window: Window = Window.MINUTE) -> Decision:
        """Count one request of `identity` if fewer than `limit` are in the window. Raises RateLimitUnavailable."""
        ...


class UpstashLimiter:
    """Sliding windows of `upstash-ratelimit`: this one's count plus the share of the past one that still counts."""

    def __init__(self, upstash: "Upstash", clock: Clock | None = None) -> None:
        self._upstash = upstash
        self._clock = clock or SystemClock()

    def check(self, identity: str, limit: int, window: Window = Window.MINUTE) -> Decision:
        """Count one request of `identity` if fewer than `limit` are in the window. Raises RateLimitUnavailable."""
        from upstash_ratelimit import Ratelimit, SlidingWindow

        def counted(redis: "Redis") -> "Response":
            sliding = SlidingWindow(max_requests=limit, window=window.ms, unit="ms")
            return Ratelimit(redis=redis, limiter=sliding, prefix=_PREFIXES[window]).limit(identity)

        try:
            answer = self._upstash.ask(counted)
        except CacheUnavailable as silent:
            raise RateLimitUnavailable from silent
        reset_ms = max(0, int((answer.reset - self._clock.time_s()) * 1000))
        return Decision(allowed=answer.allowed, remaining=answer.remaining, reset_ms=reset_ms)


def window_share(now_ms: int, window: Window) -> tuple[int, float]:
    """The number of the present window, and the share of the past one that still counts."""
    number, passed_ms = divmod(now_ms, window.ms)
    return number, 1 - passed_ms / window.ms


def require_room(
    limiter: Limiter, identity: str, limit: int, window: Window = Window.MINUTE, *, writes: bool
) -> Decision | None:
    """Count a request. Raises RateLimited; with Redis down, RateLimitUnavailable for writes, None for reads."""
    try:
        decision = limiter.check(identity, limit, window)
    except RateLimitUnavailable:
        if writes:
            raise
        return None
    if not decision.allowed:
        told: dict[str, Detail] = {f"limit_per_{window.word}": limit, "reset_ms": decision.reset_ms}
        raise RateLimited(f"Too many requests in this {window.word.replace('_', ' ')}.", **told)
    return decision
