"""Which tokens there are, by whose size they are ranked, and whose price is asked for when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.contests.adapters.market_rows import TokenRow
from functions.contests.adapters.market_sources import batches
from functions.contests.core.freshness import refresh_s
from functions.contests.core.market import UNRANKED, Listing, Quote
from kernel.postgres import Queries

if TYPE_CHECKING:
    from functions.contests.adapters.market import Market
    from functions.contests.adapters.market_sources import MarketSources
    from functions.contests.wiring import Deps
    from kernel.clock import Clock
    from kernel.postgres import Postgres, Transaction

Q: Final = Queries.load(Path(__file__).with_name("market.sql"))
#: A token that stays as it is is marked so often, and is gone when it has not been for longer.
MARK_EVERY: Final = timedelta(minutes=10)
GONE_AFTER: Final = timedelta(hours=1)
#: Which tokens there are is remembered for so long.
KNOWN_FOR: Final = timedelta(seconds=30)
#: Tokens at one look: twenty calls.
DUE_MAX: Final = 1_000
#: A contest's tokens are looked at every time from so long before its start on, and a traded one for so long after.
STARTS_WITHIN: Final = timedelta(minutes=2)
TRADED_WITHIN: Final = timedelta(hours=1)
MINTS_PER_QUESTION: Final = 50


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How a look at the market went."""

    asked: int
    told: int


class Tokens:
    """The tokens that have a price here."""

    def __init__(self, postgres: Postgres, sources: MarketSources, market: Market, clock: Clock) -> None:
        self._postgres, self._sources, self._market, self._clock = postgres, sources, market, clock
        self._known: frozenset[str] = frozenset()
        self._known_until: datetime | None = None

    def sync(self) -> int:
        """Take over the list as it is now; how many tokens it has. Raises SiteUnavailable, CircuitOpen."""
        source, listed = self._sources.tokens()
        now = self._clock.now()
        with self._postgres.transaction() as tx:
            self._store(tx, listed, now)
            tx.execute(Q["add_visit"], at=now, what="tokens", source=source, asked=0, told=len(listed))
        return len(listed)

    def refresh(self, moment: datetime) -> Refreshed:
        """Ask for the prices that are due at a moment: what is played, then the largest. Raises AllProvidersAway.

        When a token is due again counts from that moment, however late somebody comes to it: looks stay in step.
        """
        with self._postgres.transaction() as tx:
            span = {"soon": moment + STARTS_WITHIN, "lately": moment - TRADED_WITHIN}
            rows = tx.all(Q["due_tokens"], at=moment, limit=DUE_MAX, **span)
        due = {row["mint"]: refresh_s(row["rank"], is_played=row["is_played"]) for row in rows}
        told = 0
        for mints in batches(list(due), MINTS_PER_QUESTION):
            source, quotes = self._sources.prices(mints)
            with self._postgres.transaction() as tx:
                told += self._market.store(tx, quotes)
                self._mark(tx, moment, {mint: due[mint] for mint in mints}, quotes, source)
        return Refreshed(asked=len(due), told=told)

    def known(self) -> frozenset[str]:
        """The mints that have a price here, asked anew from time to time, and always while there are none."""
        now = self._clock.now()
        if not self._known or self._known_until is None or now >= self._known_until:
            with self._postgres.transaction() as tx:
                self._known = frozenset(row["mint"] for row in tx.all(Q["known_mints"]))
            self._known_until = now + KNOWN_FOR
        return self._known

    def page(self, after: tuple[int, str], *, limit: int) -> list[TokenRow]:
        """Tokens by rank, after one of a rank and a mint."""
        with self._postgres.transaction() as tx:
            return [TokenRow(**row) for row in tx.all(Q["tokens_page"], rank=after[0], mint=after[1], limit=limit)]

    def _store(self, tx: Transaction, listed: Sequence[Listing], now: datetime) -> None:
        tx.execute(
            Q["upsert_tokens"],
            now=now,
            mark_before=now - MARK_EVERY,
            mints=[one.mint for one in listed],
            symbols=[one.symbol for one in listed],
            names=[one.name for one in listed],
            decimals=[one.decimals for one in listed],
            ranks=[one.rank for one in listed],
        )
        tx.execute(Q["rank_last"], gone_before=now - GONE_AFTER, unranked=UNRANKED)
        tx.execute(Q["add_listed"], now=now, unranked=UNRANKED)

    def _mark(
        self, tx: Transaction, moment: datetime, rests_s: dict[str, int], quotes: Sequence[Quote], source: str
    ) -> None:
        """rests_s: until each is due again."""
        now, told = self._clock.now(), [quote.mint for quote in quotes]
        dues = [moment + timedelta(seconds=rest_s) for rest_s in rests_s.values()]
        tx.execute(Q["mark_asked"], at=now, mints=list(rests_s), dues=dues, told=told)
        tx.execute(Q["add_visit"], at=now, what="prices", source=source, asked=len(rests_s), told=len(told))


def tokens_of(deps: Deps) -> Tokens:
    """The tokens as the settings have them."""
    return Tokens(deps.kernel.postgres, deps.market_sources, deps.market, deps.clock)
