"""Owns what may be lost: a JSON cache in Upstash Redis, each entry with an end."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kernel.errors import CacheUnavailable

if TYPE_CHECKING:
    from upstash_redis import Redis

#: A cache that answers later than this is of no use to a request.
TIMEOUT_S = 2.0
#: What the client raises for an answer that is not Redis's: a gateway's page without JSON, or JSON of another shape.
NO_ANSWERS = (ValueError, KeyError, AttributeError)
T = TypeVar("T")


class Cache(Protocol):
    """JSON values by key, until they run out. Every method raises CacheUnavailable when Redis does not answer."""

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...

    def set(self, key: str, value: Any, *, ttl_s: int) -> None:
        """Keep a JSON value for `ttl_s` seconds, at least one."""
        ...

    def delete(self, key: str) -> None:
        """Forget; an absent key is no error."""
        ...


class UpstashCache:
    """A Cache over Upstash's REST API; the client is made on first use."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._redis: Redis | None = None

    def get(self, key: str) -> Any:
        """The value, or None."""
        text = self._call(lambda redis: redis.get(key))
        return None if text is None else json.loads(text)

    def set(self, key: str, value: Any, *, ttl_s: int) -> None:
        """Keep a JSON value for `ttl_s` seconds, at least one."""
        if ttl_s <= 0:
            raise ValueError(f"an entry lives at least one second, not {ttl_s}")
        text = json.dumps(value)
        self._call(lambda redis: redis.set(key, text, ex=ttl_s))

    def delete(self, key: str) -> None:
        """Forget; an absent key is no error."""
        self._call(lambda redis: redis.delete(key))

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        redis, self._redis = self._redis, None
        if redis is not None:
            redis.close()  # type: ignore[no-untyped-call]

    def _call(self, ask: "Callable[[Redis], T]") -> T:
        import httpx
        from upstash_redis.errors import UpstashError

        if self._redis is None:
            self._redis = connect(self._url, self._token)
        try:
            return ask(self._redis)
        except (UpstashError, httpx.HTTPError, *NO_ANSWERS) as refused:
            raise CacheUnavailable from refused


def connect(url: str, token: str) -> "Redis":
    """An Upstash client that gives up in two seconds and tells nobody about itself."""
    import httpx
    from upstash_redis import Redis

    # One retry, since a thawed container finds its kept-alive connection closed.
    redis = Redis(url=url, token=token, rest_retries=1, rest_retry_interval=0.05, allow_telemetry=False)
    # The client offers no setting for this, and its default is to wait for ever.
    redis._http._client.timeout = httpx.Timeout(TIMEOUT_S)
    return redis
