"""The newest aggregate of each symbol: kept in Redis for five minutes, always in Postgres."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from functions.oracle.adapters.repository import Repository, StoredAggregate
from kernel.cache import Cache
from kernel.errors import CacheUnavailable

TTL_S: Final = 300
logger = logging.getLogger(__name__)
_AGGREGATE: Final = TypeAdapter(StoredAggregate)


class LatestPrices:
    """Reads go on without Redis; what is written there may be lost."""

    def __init__(self, cache: Cache, repository: Repository) -> None:
        self._cache, self._repository = cache, repository

    def publish(self, symbols: Sequence[str], at: datetime) -> None:
        """Bring what Postgres holds of these symbols into Redis."""
        for symbol, aggregate in self._repository.aggregates_at(symbols, at).items():
            if not self._remember(symbol, aggregate):
                return

    def of(self, symbols: Sequence[str], at: datetime) -> dict[str, StoredAggregate]:
        """The newest aggregate of each symbol that has one."""
        cached = {symbol: self._recall(symbol) for symbol in symbols}
        found = {symbol: aggregate for symbol, aggregate in cached.items() if aggregate is not None}
        missing = [symbol for symbol in symbols if symbol not in found]
        return found | (self._repository.aggregates_at(missing, at) if missing else {})

    def _remember(self, symbol: str, aggregate: StoredAggregate) -> bool:
        document: dict[str, Any] = _AGGREGATE.dump_python(aggregate, mode="json")
        try:
            self._cache.set(_key(symbol), document, ttl_s=TTL_S)
        except CacheUnavailable:
            logger.warning("The latest prices are not cached: Redis does not answer.")
            return False
        return True

    def _recall(self, symbol: str) -> StoredAggregate | None:
        try:
            document = self._cache.get(_key(symbol))
        except CacheUnavailable:
            return None
        return None if document is None else _AGGREGATE.validate_python(document)


def _key(symbol: str) -> str:
    return f"latest:{symbol}"
