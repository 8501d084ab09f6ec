"""Owns the rate limiter of tests: the same sliding minute, counted in memory."""

from collections import Counter

from kernel.clock import Clock
from kernel.errors import RateLimitUnavailable
from kernel.ratelimit import WINDOW_MS, Decision, window_share
from kernel.testing.clock import FakeClock


class InMemoryLimiter:
    """A kernel.ratelimit.Limiter; while `down`, every check raises RateLimitUnavailable."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._counts: Counter[tuple[str, int]] = Counter()
        self.down = False

    def check(self, identity: str, limit_per_minute: int) -> Decision:
        """Count one request of `identity` if it fits."""
        if self.down:
            raise RateLimitUnavailable
        now_ms = int(self._clock.time_s() * 1000)
        window, previous_share = window_share(now_ms)
        used = self._counts[identity, window] + int(self._counts[identity, window - 1] * previous_share)
        allowed = used < limit_per_minute
        if allowed:
            self._counts[identity, window] += 1
        return Decision(
            allowed=allowed,
            remaining=max(0, limit_per_minute - used - 1) if allowed else 0,
            reset_ms=(window + 1) * WINDOW_MS - now_ms,
        )
