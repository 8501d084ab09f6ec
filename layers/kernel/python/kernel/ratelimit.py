"""Owns rate limits: a sliding minute per identity, counted in Redis and nowhere else.

When Redis does not answer there is nothing to count with: reads go on without limits, while writes and sign-ins are
refused with RateLimitUnavailable, since a guesser of passwords must not gain from an outage.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kernel.clock import Clock, SystemClock
from kernel.errors import CacheUnavailable, RateLimited, RateLimitUnavailable

if TYPE_CHECKING:
    from upstash_ratelimit import Response
    from upstash_redis import Redis

    from kernel.upstash import Upstash

WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether one request fits, how many more do, and in how many milliseconds the window turns."""

    allowed: bool
    remaining: int
    reset_ms: int


class Limiter(Protocol):
    """Counts requests."""

    def check(self, identity: str, limit_per_minute: int) -> Decision:
        """Count one request of `identity` if it fits. Raises RateLimitUnavailable."""
        ...


class UpstashLimiter:
    """Sliding windows of `upstash-ratelimit`: this minute's count plus the share of the past one that still counts."""

    def __init__(self, upstash: "Upstash", clock: Clock | None = None) -> None:
        self._upstash = upstash
        self._clock = clock or SystemClock()

    def check(self, identity: str, limit_per_minute: int) -> Decision:
        """Count one request of `identity` if it fits. Raises RateLimitUnavailable."""
        from upstash_ratelimit import Ratelimit, SlidingWindow

        def counted(redis: "Redis") -> "Response":
            window = SlidingWindow(max_requests=limit_per_minute, window=WINDOW_MS, unit="ms")
            return Ratelimit(redis=redis, limiter=window, prefix="ratelimit").limit(identity)

        try:
            answer = self._upstash.ask(counted)
        except CacheUnavailable as silent:
            raise RateLimitUnavailable from silent
        reset_ms = max(0, int((answer.reset - self._clock.time_s()) * 1000))
        return Decision(allowed=answer.allowed, remaining=answer.remaining, reset_ms=reset_ms)


def window_share(now_ms: int) -> tuple[int, float]:
    """The number of the present window, and the share of the past one that still counts."""
    window, passed_ms = divmod(now_ms, WINDOW_MS)
    return window, 1 - passed_ms / WINDOW_MS


def require_room(limiter: Limiter, identity: str, limit_per_minute: int, *, writes: bool) -> Decision | None:
    """Count a request. Raises RateLimited; with Redis down, RateLimitUnavailable for writes, None for reads."""
    try:
        decision = limiter.check(identity, limit_per_minute)
    except RateLimitUnavailable:
        if writes:
            raise
        return None
    if not decision.allowed:
        raise RateLimited(limit_per_minute=limit_per_minute, reset_ms=decision.reset_ms)
    return decision
