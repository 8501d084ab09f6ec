"""The newest aggregate of each symbol: in Postgres always, in Redis for five minutes, in a container for a second."""

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
#: A price is decided once in a voting round; a container under load asks Redis once a second instead of each time.
REMEMBERED_FOR: Final = timedelta(seconds=1)
_AGGREGATE: Final = TypeAdapter(StoredAggregate)


class LatestPrices:
    """Reads go on without Redis; what is written there may be lost."""

    def __init__(self, cache: Cache, repository: Repository) -> None:
        self._cache, self._repository = cache, repository
        self._symbols: tuple[str, ...] = ()
        self._symbols_until: datetime | None = None
        #: symbol -> when it was asked for, and the answer
        self._remembered: dict[str, tuple[datetime, StoredAggregate]] = {}

    def symbols(self, now: datetime) -> tuple[str, ...]:
        """The symbols of the newest reward epoch, asked anew from time to time, and always while there are none."""
        if not self._symbols or self._symbols_until is None or now >= self._symbols_until:
            self._symbols, self._symbols_until = self._repository.known_symbols(), now + SYMBOLS_FOR
        return self._symbols

    def keep(self, decided: Iterable[StoredAggregate]) -> None:
        """Keep what was decided just now. Raises CacheUnavailable."""
        documents = {_key(one.symbol): _AGGREGATE.dump_python(one, mode="json") for one in decided}
        self._cache.set_many(documents, ttl_s=TTL_S)

    def of(self, symbols: Sequence[str], now: datetime) -> dict[str, StoredAggregate]:
        """The newest aggregate of each symbol that has one, as it was at most a second ago."""
        asked = [symbol for symbol in symbols if not self._is_fresh(symbol, now)]
        if asked:
            self._remembered |= {symbol: (now, found) for symbol, found in self._found(asked, now).items()}
        return {symbol: self._remembered[symbol][1] for symbol in symbols if self._is_fresh(symbol, now)}

    def _is_fresh(self, symbol: str, now: datetime) -> bool:
        """Either way: a clock that was set back must not keep a price for as long."""
        return symbol in self._remembered and abs(now - self._remembered[symbol][0]) < REMEMBERED_FOR

    def _found(self, symbols: Sequence[str], now: datetime) -> dict[str, StoredAggregate]:
        found = {
            symbol: _AGGREGATE.validate_python(document)
            for symbol, document in zip(symbols, self._recall(symbols), strict=True)
            if document is not None
        }
        missing = [symbol for symbol in symbols if symbol not in found]
        return found | (self._repository.aggregates_at(missing, now) if missing else {})

    def _recall(self, symbols: Sequence[str]) -> Sequence[Any]:
        try:
            return self._cache.get_many([_key(symbol) for symbol in symbols])
        except CacheUnavailable:
            return [None] * len(symbols)


def _key(symbol: str) -> str:
    return f"latest:{symbol}"
