"""Owns the board of tests: a dictionary that keeps moments as the script in Redis does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kernel.breaker.board import ELECTION_MS, READ_AFTER_MS, STALE_AFTER_MS, Posted
from kernel.breaker.condition import Condition
from kernel.clock import Clock
from kernel.errors import CacheUnavailable
from kernel.testing.clock import FakeClock


class InMemoryBoard:
    """A kernel.breaker.board.Board; while `down`, every call raises CacheUnavailable."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.down = False
        self.flush()

    def flush(self) -> None:
        """Forget everything, as a Redis that restarts does."""
        self._posted: dict[str, tuple[Condition, float]] = {}
        self._read_ms = self._elected_ms = 0.0
        self._probes: dict[str, tuple[int, float]] = {}

    def exchange(
        self,
        posts: Sequence[Condition] = (),
        *,
        whole: bool = False,
        wanted: Condition | None = None,
        now: datetime | None = None,
    ) -> Posted:
        """Post conditions and read all of them."""
        if self.down:
            raise CacheUnavailable
        now_ms = (now or self._clock.now()).timestamp() * 1000
        for post in posts:
            known = self._posted.get(post.dependency)
            if known is None or known[0].version < post.version:
                self._posted[post.dependency] = (post, now_ms)
        if whole:
            self._read_ms = now_ms
        is_elected = now_ms - self._read_ms >= READ_AFTER_MS and now_ms - self._elected_ms >= ELECTION_MS
        if is_elected:
            self._elected_ms = now_ms
        return Posted(
            conditions={name: _aged(post, now_ms - at_ms) for name, (post, at_ms) in self._posted.items()},
            is_current=now_ms - self._read_ms < STALE_AFTER_MS,
            is_elected=is_elected,
            is_granted=wanted is not None and self._grant(wanted, now_ms),
        )

    def _grant(self, wanted: Condition, now_ms: float) -> bool:
        version, since_ms = self._probes.get(wanted.dependency, (-1, 0.0))
        if version == wanted.version and now_ms - since_ms < ELECTION_MS:
            return False
        self._probes[wanted.dependency] = (wanted.version, now_ms)
        return True


def _aged(condition: Condition, age_ms: float) -> Condition:
    return condition if condition.wait_s is None else replace(condition, wait_s=condition.wait_s - age_ms / 1000)
