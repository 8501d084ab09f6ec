"""Owns what may be lost: a JSON cache in Upstash Redis, each entry with an end."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from upstash_redis import Redis

    from kernel.upstash import Upstash


class Cache(Protocol):
    """JSON values by key, until they run out. Every method raises CacheUnavailable when Redis does not answer."""

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...

    def set(self, key: str, value: Any, *, ttl_s: int) -> None:
        """Keep a JSON value for `ttl_s` seconds, at least one."""
        ...

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        """The value of each key or None, in one question."""
        ...

    def set_many(self, values: Mapping[str, Any], *, ttl_s: int) -> None:
        """Keep several values for as long, in one question."""
        ...

    def delete(self, key: str) -> None:
        """Forget; an absent key is no error."""
        ...


class UpstashCache:
    """A Cache in Upstash Redis."""

    def __init__(self, upstash: "Upstash") -> None:
        self._upstash = upstash

    def get(self, key: str) -> Any:
        """The value, or None."""

        def value(redis: "Redis") -> Any:
            text = redis.get(key)
            return None if text is None else json.loads(text)

        return self._upstash.ask(value)

    def set(self, key: str, value: Any, *, ttl_s: int) -> None:
        """Keep a JSON value for `ttl_s` seconds, at least one."""
        self.set_many({key: value}, ttl_s=ttl_s)

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        """The value of each key or None, in one question."""
        if not keys:
            return []
        texts: list[str | None] = self._upstash.ask(lambda redis: redis.mget(*keys))
        return [None if text is None else json.loads(text) for text in texts]

    def set_many(self, values: Mapping[str, Any], *, ttl_s: int) -> None:
        """Keep several values for as long, in one question."""
        if ttl_s <= 0:
            raise ValueError(f"an entry lives at least one second, not {ttl_s}")
        if not values:
            return
        texts = {key: json.dumps(value) for key, value in values.items()}

        def keep(redis: "Redis") -> None:
            several = redis.pipeline()
            for key, text in texts.items():
                several.set(key, text, ex=ttl_s)
            several.exec()

        self._upstash.ask(keep)

    def delete(self, key: str) -> None:
        """Forget; an absent key is no error."""
        self._upstash.ask(lambda redis: redis.delete(key))
