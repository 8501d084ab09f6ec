"""The newest aggregate of each symbol: kept in Redis for five minutes, always in Postgres."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter

from functions.oracle.adapters.repository import Repository, StoredAggregate
from kernel.cache import Cache
from kernel.errors import CacheUnavailable

TTL_S: Final = 300
#: Feeds change with the reward epoch, and are known before it begins.
SYMBOLS_FOR: Final = timedelta(seconds=30)
_AGGREGATE: Final = TypeAdapter(StoredAggregate)


class LatestPrices:
    """Reads go on without Redis; what is written there may be lost."""

    def __init__(self, cache: Cache, repository: Repository) -> None:
        self._cache, self._repository = cache, repository
        self._symbols: tuple[str, ...] = ()
        self._symbols_until: datetime | None = None

    def symbols(self, now: datetime) -> tuple[str, ...]:
        """The symbols of the newest reward epoch, asked anew from time to time, and always while there are none."""
        if not self._symbols or self._symbols_until is None or now >= self._symbols_until:
            self._symbols, self._symbols_until = self._repository.known_symbols(), now + SYMBOLS_FOR
        return self._symbols

    def keep(self, decided: Iterable[StoredAggregate]) -> None:
        """Keep what was decided just now. Raises CacheUnavailable."""
        documents = {_key(one.symbol): _AGGREGATE.dump_python(one, mode="json") for one in decided}
        self._cache.set_many(documents, ttl_s=TTL_S)

    def of(self, symbols: Sequence[str], at: datetime) -> dict[str, StoredAggregate]:
        """The newest aggregate of each symbol that has one."""
        found = {
            symbol: _AGGREGATE.validate_python(document)
            for symbol, document in zip(symbols, self._recall(symbols), strict=True)
            if document is not None
        }
        missing = [symbol for symbol in symbols if symbol not in found]
        return found | (self._repository.aggregates_at(missing, at) if missing else {})

    def _recall(self, symbols: Sequence[str]) -> Sequence[Any]:
        try:
            return self._cache.get_many([_key(symbol) for symbol in symbols])
        except CacheUnavailable:
            return [None] * len(symbols)


def _key(symbol: str) -> str:
    return f"latest:{symbol}"
