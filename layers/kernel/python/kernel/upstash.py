"""Owns the one way to Upstash Redis: one client a process, made by whoever asks first, and what its silence means."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from kernel.errors import CacheUnavailable

if TYPE_CHECKING:
    from upstash_redis import Redis

#: An answer that comes later than this is of no use to a request.
TIMEOUT_S = 2.0
#: What the client raises for an answer that is not Redis's: a gateway's page without JSON, or JSON of another shape.
NO_ANSWERS = (ValueError, KeyError, AttributeError)
T = TypeVar("T")


class Upstash:
    """A client of Upstash's REST API, which the cache, the limiter, the board and the register share."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._redis: Redis | None = None
        self._process_id = 0
        self._lock = threading.Lock()

    def ask(self, question: "Callable[[Redis], T]") -> T:
        """What Redis answers. Raises CacheUnavailable."""
        import httpx
        from upstash_redis.errors import UpstashError

        try:
            return question(self._connected())
        except (UpstashError, httpx.HTTPError, *NO_ANSWERS) as refused:
            raise CacheUnavailable from refused

    def close(self) -> None:
        """Give the connection back; the next question opens another."""
        with self._lock:
            redis, self._redis = self._redis, None
        if redis is not None and self._process_id == os.getpid():
            redis.close()  # type: ignore[no-untyped-call]  # the library's own close has no annotations

    def _connected(self) -> "Redis":
        # Threads of an RPC pool or of the health probes ask at once: a second client would never be closed.
        with self._lock:
            # A connection that came through a fork is the parent's.
            if self._redis is None or self._process_id != os.getpid():
                self._redis, self._process_id = _client(self._url, self._token), os.getpid()
            return self._redis


def _client(url: str, token: str) -> "Redis":
    import httpx
    from upstash_redis import Redis

    # One retry, since a thawed container finds its kept-alive connection closed.
    redis = Redis(url=url, token=token, rest_retries=1, rest_retry_interval=0.05, allow_telemetry=False)
    # The client offers no setting for this, and its default is to wait for ever.
    redis._http._client.timeout = httpx.Timeout(TIMEOUT_S)
    return redis
