"""Owns the rate limiter of tests: the same sliding windows, counted in memory."""

from collections import Counter

from kernel.clock import Clock
from kernel.errors import RateLimitUnavailable
from kernel.ratelimit import Decision, Window, window_share
from kernel.testing.clock import FakeClock


class InMemoryLimiter:
    """A kernel.ratelimit.Limiter; while `down`, every check raises RateLimitUnavailable."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._counts: Counter[tuple[str, Window, int]] = Counter()
        self.down = False

    def check(self, identity: str, limit: int, window: Window = Window.MINUTE) -> Decision:
        """Count one request of `identity` if fewer than `limit` are in the window."""
        if self.down:
            raise RateLimitUnavailable
        now_ms = int(self._clock.time_s() * 1000)
        number, previous_share = window_share(now_ms, window)
        used = self._counts[identity, window, number] + int(self._counts[identity, window, number - 1] * previous_share)
        allowed = used < limit
        if allowed:
            self._counts[identity, window, number] += 1
        return Decision(
            allowed=allowed,
            remaining=max(0, limit - used - 1) if allowed else 0,
            reset_ms=(number + 1) * window.ms - now_ms,
        )
