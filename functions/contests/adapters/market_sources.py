"""Who tells prices, with one breaker each: the best that answers is asked, and the next one when it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from kernel.failover import Failover

if TYPE_CHECKING:
    from functions.contests.adapters.jupiter import Jupiter
    from functions.contests.core.market import Listing, Quote
    from functions.contests.wiring import Deps
    from kernel.breaker import Breakers
    from kernel.clock import Clock

#: Two sources of four seconds each, twice, and a pause: within the life of a function.
ROUNDS: Final = 2
T = TypeVar("T")


class Source(Protocol):
    """Somebody who tells prices."""

    @property
    def name(self) -> str:
        """Its name in quotes, and after "market_data:" that of its breaker."""
        ...

    @property
    def mints_per_call(self) -> int:
        """How many tokens one call takes."""
        ...

    def prices(self, mints: Sequence[str], at: datetime) -> list[Quote]:
        """Those of the tokens that have one. Raises SiteUnavailable."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class MarketSources:
    """The sources in the order of preference; the first has the lists of tokens too."""

    def __init__(self, lists: Jupiter, others: Sequence[Source], breakers: Breakers, clock: Clock) -> None:
        self._lists, self._breakers, self._clock = lists, breakers, clock
        self._sources: dict[str, Source] = {dependency(one.name): one for one in (lists, *others)}
        self._failover = Failover(list(self._sources), breakers, clock, rounds=ROUNDS)

    def prices(self, mints: Sequence[str]) -> tuple[str, list[Quote]]:
        """Who answered, and the prices of those tokens that have one. Raises AllProvidersAway."""

        def ask(name: str) -> tuple[str, list[Quote]]:
            source, at = self._sources[name], self._clock.now()
            parts = [source.prices(part, at) for part in batches(mints, source.mints_per_call)]
            return source.name, [quote for part in parts for quote in part]

        return self._failover.call(ask)

    def tokens(self) -> tuple[str, list[Listing]]:
        """Who answered, and the verified tokens. Raises SiteUnavailable, CircuitOpen."""
        with self._breakers.guard(dependency(self._lists.name)):
            return self._lists.name, self._lists.tokens()

    def close(self) -> None:
        """Let go of the connections."""
        for source in self._sources.values():
            source.close()


def dependency(source: str) -> str:
    """A source as breakers name it."""
    return f"market_data:{source}"


def batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The things in parts of at most so many."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def sources_of(deps: Deps) -> MarketSources:
    """The sources as the settings name them."""
    from functions.contests.adapters.dexscreener import DexScreener
    from functions.contests.adapters.jupiter import Jupiter
    from kernel.settings import PLAIN_STAGES

    settings, kernel = deps.settings, deps.kernel
    is_local = kernel.settings.stage in PLAIN_STAGES
    reference = settings.jupiter_key
    key = (lambda: kernel.secrets.resolve(reference).get_secret_value()) if reference else None
    jupiter = Jupiter(settings.jupiter_url, key, plain_allowed=is_local)
    dexscreener = DexScreener(settings.dexscreener_url, plain_allowed=is_local)
    return MarketSources(jupiter, [dexscreener], kernel.breakers, deps.clock)
