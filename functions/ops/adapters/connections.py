"""Owns the register of WebSocket connections in Redis: an entry each, which runs out where nobody says goodbye."""

from datetime import datetime

from kernel.cache import Cache

#: API Gateway closes every connection after two hours.
LIFETIME_S = 2 * 60 * 60


class Connections:
    """Who is connected. Every method raises CacheUnavailable when Redis does not answer."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def open(self, connection_id: str, connected_at: datetime, callback_url: str) -> None:
        """Register a connection and where to post to it."""
        entry = {"connected_at": connected_at.isoformat(), "callback_url": callback_url}
        self._cache.set(_key(connection_id), entry, ttl_s=LIFETIME_S)

    def is_open(self, connection_id: str) -> bool:
        """Whether the connection is registered."""
        return self._cache.get(_key(connection_id)) is not None

    def close(self, connection_id: str) -> None:
        """Forget a connection; an unknown one is no error."""
        self._cache.delete(_key(connection_id))


def _key(connection_id: str) -> str:
    return f"connection:{connection_id}"
