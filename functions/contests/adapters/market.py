"""Prices of tokens: stored once, kept in Redis for those who look, told to those who listen, and given to valuation.

    at, tokens = market.prices(tx, mints, at)      # all of one instant, or PriceUnusable

History in Postgres is the truth; valuation reads nothing else. Redis and the stream follow the commit, and a failure
there is logged and costs nothing: the next price comes within seconds. Tokens that the oracle decides prices of are
valued by its consensus, which refuses to be stale, wide or thin by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.contests.adapters.market_rows import (
    PricesAt,
    TokenNotPriced,
    TokenNotTradable,
    TokenPriceStale,
    TokenPriceUnconfirmed,
    TokenPriceWide,
    TokenTooThin,
    TokenUnpriced,
    document_of,
    quote_in,
    quote_of,
)
from functions.contests.adapters.market_sources import batches
from functions.contests.core.freshness import SLOWEST_S
from functions.contests.core.market import (
    PRICE_DECIMALS,
    PUSHED_BAND_BPS,
    PUSHER_MARK,
    UNRANKED,
    Quote,
    counts_s,
    is_confirmed,
    token_of,
    trades_s,
)
from functions.contests.core.portfolio import Token
from kernel.errors import CacheUnavailable
from kernel.ids import new_id
from kernel.postgres import Queries
from kernel.prices import Limits, Prices, PriceUnusable

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.cache import Cache
    from kernel.clock import Clock
    from kernel.postgres import Postgres, Transaction
    from kernel.realtime import Publisher

Q: Final = Queries.load(Path(__file__).with_name("market.sql"))
TOPIC: Final = "market-data"
#: Prices in one message, which has 30 KiB at most.
PRICES_PER_MESSAGE: Final = 100
#: Older than any price that counts.
LOOK_BACK: Final = timedelta(seconds=3 * SLOWEST_S)
CACHE_S: Final = 3 * SLOWEST_S
WIDTH_MAX_BPS: Final = 500
#: Tokens that a refusal names.
NAMED_MAX: Final = 10
AgeMax = Callable[[int], int]
#: Two voting rounds of the oracle.
ORACLE_LIMITS: Final = Limits(age_max_s=180, width_max_bps=WIDTH_MAX_BPS)


class Market:
    """What tokens cost."""

    def __init__(
        self,
        postgres: Postgres,
        cache: Cache,
        publisher: Publisher,
        clock: Clock,
        *,
        feeds: Mapping[str, str],
        liquidity_min_usd: int,
        factor_max_percent: int,
    ) -> None:
        """feeds: the oracle's symbol of each mint that it decides the price of."""
        self._postgres, self._cache, self._publisher, self._clock = postgres, cache, publisher, clock
        self._feeds, self._oracle = dict(feeds), Prices(ORACLE_LIMITS)
        self._liquidity_min_usd, self._factor_max_percent = liquidity_min_usd, factor_max_percent

    def take(self, quotes: Sequence[Quote]) -> int:
        """Store prices, each once, and tell them; how many were new."""
        with self._postgres.transaction() as tx:
            return self.store(tx, quotes)

    def store(self, tx: Transaction, quotes: Sequence[Quote]) -> int:
        """The same in the caller's transaction: they are told after its commit."""
        if not quotes:
            return 0
        columns = {**_columns(quotes), "confirmed": self._confirmed(tx, quotes)}
        rows = tx.all(Q["store_prices"], now=self._clock.now(), **columns)
        newest: dict[str, Quote] = {}
        for quote in sorted((quote_of(row) for row in rows if row["is_newest"]), key=lambda one: one.observed_at):
            newest[quote.mint] = quote
        if newest:
            documents = [document_of(quote) for quote in newest.values()]
            tx.after_commit(lambda: self._keep(documents))
            tx.after_commit(lambda: self._tell(documents))
        return len(rows)

    def prices(self, tx: Transaction, mints: Sequence[str], at: datetime) -> PricesAt:
        """What values quantities of these tokens in micro-units, by what was known up to `at`.

        Raises PriceUnusable: TokenUnpriced, TokenPriceStale, TokenPriceWide, TokenTooThin, what kernel.prices raises.
        """
        priced, unusable = self.usable(tx, mints, at)
        for refusal in unusable.values():
            raise refusal
        return priced

    def usable(
        self, tx: Transaction, mints: Collection[str], at: datetime, age_max_s: AgeMax = counts_s
    ) -> tuple[PricesAt, dict[str, PriceUnusable]]:
        """The prices that are to be had, and why not of each other token. age_max_s: of a rank, for how long it is."""
        wanted = sorted(set(mints))
        limits = {"mark": PUSHER_MARK, "band": PUSHED_BAND_BPS, "width_max": WIDTH_MAX_BPS, "unranked": UNRANKED}
        rows = tx.all(Q["valued_at"], mints=wanted, at=at, oldest=at - LOOK_BACK, **limits)
        tokens: dict[str, Token] = {}
        unusable: dict[str, PriceUnusable] = {}
        for row in rows:
            try:
                tokens[row["mint"]] = self._token(tx, row, at, age_max_s)
            except PriceUnusable as refusal:
                unusable[row["mint"]] = refusal
        return PricesAt(at, tokens), unusable

    def require(self, tx: Transaction, mints: Collection[str]) -> None:
        """Raises TokenNotTradable, TokenNotPriced unless every token has a price now."""
        _, unusable = self.usable(tx, mints, self._clock.now())
        self._require_deep(unusable)
        if unusable:
            raise TokenNotPriced(mints=", ".join(sorted(unusable)[:NAMED_MAX]))

    def to_trade(self, tx: Transaction, mint: str, at: datetime) -> Token:
        """What a trade is made at: a price of the last half minute. Raises TokenNotTradable, PriceUnusable."""
        priced, unusable = self.usable(tx, [mint], at, trades_s)
        self._require_deep(unusable)
        if mint in unusable:
            raise unusable[mint]
        return priced.tokens[mint]

    def latest(self, mints: Sequence[str]) -> dict[str, Quote]:
        """The newest price of each token that has one; from Redis where it is there."""
        try:
            kept = self._cache.get_many([_key(mint) for mint in mints])
        except CacheUnavailable:
            kept = [None] * len(mints)
        found = {mint: quote_in(one) for mint, one in zip(mints, kept, strict=True) if one is not None}
        missing = [mint for mint in mints if mint not in found]
        return found | (self._stored(missing) if missing else {})

    def history(self, mint: str, start: datetime, end: datetime, *, limit: int) -> list[Quote]:
        """What a token cost, the newest first, from `start` on and before `end`."""
        with self._postgres.transaction() as tx:
            return [quote_of(row) for row in tx.all(Q["history"], mint=mint, start=start, end=end, limit=limit)]

    def _token(self, tx: Transaction, row: Mapping[str, Any], at: datetime, age_max_s: AgeMax) -> Token:
        mint, decimals = row["mint"], row["decimals"]
        if decimals is None:
            raise TokenUnpriced(mint=mint)
        if mint not in self._feeds:
            if age_max_s is trades_s and row["is_held"]:
                raise TokenPriceUnconfirmed(mint=mint)
            return token_of(_usable(row, at, age_max_s(row["rank"]), self._liquidity_min_usd), decimals)
        price = self._oracle.of(tx, self._feeds[mint])
        if age_max_s is trades_s and price.age_ms > 1_000 * trades_s(row["rank"]):
            raise TokenPriceStale(mint=mint, age_s=price.age_ms // 1_000, age_max_s=trades_s(row["rank"]))
        return token_of(_rescaled(price.price, price.decimals), decimals)

    def _confirmed(self, tx: Transaction, quotes: Sequence[Quote]) -> list[bool]:
        """Of each quote in its order as a row whether it values; what was pushed is judged where it is read."""
        ordered = _ordered(quotes)
        if all(PUSHER_MARK in one.source for one in ordered):
            return [True] * len(ordered)
        times = [one.observed_at for one in ordered]
        limits = {"oldest": min(times) - LOOK_BACK, "newest": max(times), "mark": PUSHER_MARK}
        mints = [one.mint for one in ordered]
        rows = tx.all(Q["readings_before"], mints=mints, times=times, floor=self._liquidity_min_usd, **limits)
        return [
            PUSHER_MARK in one.source
            or is_confirmed(one.price, row["believed"], row["before"], self._factor_max_percent)
            for one, row in zip(ordered, rows, strict=True)
        ]

    def _require_deep(self, unusable: Mapping[str, PriceUnusable]) -> None:
        thin = sorted(mint for mint, refusal in unusable.items() if isinstance(refusal, TokenTooThin))
        if thin:
            raise TokenNotTradable(mints=", ".join(thin[:NAMED_MAX]), liquidity_min_usd=self._liquidity_min_usd)

    def _stored(self, mints: Sequence[str]) -> dict[str, Quote]:
        at = self._clock.now()
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["prices_at"], mints=list(mints), at=at, oldest=at - LOOK_BACK, unranked=UNRANKED)
        return {row["mint"]: quote_of(row) for row in rows if row["price"] is not None}

    def _keep(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self._cache.set_many({_key(one["mint"]): one for one in documents}, ttl_s=CACHE_S)

    def _tell(self, documents: Sequence[Mapping[str, Any]]) -> None:
        for part in batches(documents, PRICES_PER_MESSAGE):
            bodies: dict[str, Mapping[str, Any]] = {f"{TOPIC}:{one['mint']}": one for one in part}
            self._publisher.publish_many(bodies | {TOPIC: {"prices": list(part)}}, key=new_id().hex)


def market_of(deps: Deps) -> Market:
    """The market as the settings have it."""
    kernel, settings = deps.kernel, deps.settings
    return Market(
        kernel.postgres,
        kernel.cache,
        kernel.realtime,
        deps.clock,
        feeds=json.loads(settings.oracle_feeds),
        liquidity_min_usd=settings.liquidity_min_usd,
        factor_max_percent=settings.price_factor_max_percent,
    )


def _columns(quotes: Sequence[Quote]) -> dict[str, list[Any]]:
    ordered = _ordered(quotes)
    return {
        "mints": [one.mint for one in ordered],
        "times": [one.observed_at for one in ordered],
        "sources": [one.source for one in ordered],
        "prices": [one.price for one in ordered],
        "widths": [one.width_bps for one in ordered],
        "blocks": [one.block for one in ordered],
        "liquidities": [one.liquidity_usd for one in ordered],
    }


def _ordered(quotes: Sequence[Quote]) -> list[Quote]:
    return sorted(quotes, key=lambda one: (one.mint, one.observed_at, one.source))


def _usable(row: Mapping[str, Any], at: datetime, age_max_s: int, liquidity_min_usd: int) -> int:
    if row["price"] is None:
        raise TokenUnpriced(mint=row["mint"])
    age_s = (at - row["observed_at"]).total_seconds()
    if age_s > age_max_s:
        raise TokenPriceStale(mint=row["mint"], age_s=round(age_s), age_max_s=age_max_s)
    if (row["width_bps"] or 0) > WIDTH_MAX_BPS:
        raise TokenPriceWide(mint=row["mint"], width_bps=row["width_bps"], width_max_bps=WIDTH_MAX_BPS)
    if (row["liquidity_usd"] or 0) < liquidity_min_usd:
        thin = {"liquidity_usd": row["liquidity_usd"], "liquidity_min_usd": liquidity_min_usd}
        raise TokenTooThin(mint=row["mint"], **thin)
    return int(row["price"])


def _rescaled(price: int, decimals: int) -> int:
    """A price of 10^-decimals in 10^-12, the oracle's being coarser or as fine; rounded down where it is finer."""
    return int(price * 10 ** max(0, PRICE_DECIMALS - decimals) // 10 ** max(0, decimals - PRICE_DECIMALS))


def _key(mint: str) -> str:
    return f"contests:price:{mint}"
