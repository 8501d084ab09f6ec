"""Owns the cache of tests: a dictionary whose entries run out by a clock."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kernel.clock import Clock
from kernel.errors import CacheUnavailable
from kernel.testing.clock import FakeClock


class InMemoryCache:
    """A kernel.cache.Cache; while `down`, every call raises CacheUnavailable."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._entries: dict[str, tuple[float, str]] = {}
        self.down = False

    def get(self, key: str) -> Any:
        """The value, or None when there is none or it ran out."""
        self._require_up()
        expires_at_s, text = self._entries.get(key, (0.0, "null"))
        return json.loads(text) if expires_at_s > self._clock.time_s() else None

    def set(self, key: str, value: Any, *, ttl_s: int) -> None:
        """Keep a JSON value for `ttl_s` seconds."""
        self.set_many({key: value}, ttl_s=ttl_s)

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        """The value of each key or None."""
        return [self.get(key) for key in keys]

    def set_many(self, values: Mapping[str, Any], *, ttl_s: int) -> None:
        """Keep several values for as long."""
        self._require_up()
        if ttl_s <= 0:
            raise ValueError(f"an entry lives at least one second, not {ttl_s}")
        for key, value in values.items():
            self._entries[key] = (self._clock.time_s() + ttl_s, json.dumps(value))

    def delete(self, key: str) -> None:
        """Forget; an absent key is no error."""
        self._require_up()
        self._entries.pop(key, None)

    def _require_up(self) -> None:
        if self.down:
            raise CacheUnavailable
