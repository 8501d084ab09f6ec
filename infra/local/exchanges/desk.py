"""A venue's view of the market at one moment: what its REST answers are made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from infra.local.exchanges.listings import WHOLE
from infra.local.exchanges.market import TETHER, Coin, Habits, Market, Ticker, Trade


class UnknownPair(Exception):
    """The venue does not list this pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A listed market and the venue's own name for it."""

    id: str
    coin: Coin
    quote: str

    @property
    def base(self) -> str:
        """The currency that is bought and sold."""
        return self.coin.code

    @property
    def tick(self) -> str:
        """The price step as text."""
        return f"{Decimal(1).scaleb(-self.coin.decimals):f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One venue, one moment."""

    market: Market
    habits: Habits
    pairs: tuple[Pair, ...]
    now_ms: int

    def pair(self, pair_id: str) -> Pair:
        """The listed pair of that name; UnknownPair when there is none."""
        for pair in self.pairs:
            if pair.id == pair_id:
                return pair
        raise UnknownPair(pair_id)

    def ticker(self, pair: Pair) -> Ticker:
        """The pair's summary now."""
        return self.market.ticker(pair.coin, pair.quote, self.habits, self.now_ms)

    def trades(self, pair: Pair, limit: int) -> list[Trade]:
        """The newest trades, newest first."""
        return list(islice(self.market.trades(pair.coin, pair.quote, self.habits, self.now_ms), min(limit, 1_000)))


Query = Mapping[str, str]
Answer = Callable[[Desk, Query], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A venue: its habits, its listings and the answers behind its paths."""

    habits: Habits
    pairs: tuple[Pair, ...]
    paths: Mapping[str, Answer]

    @property
    def name(self) -> str:
        """The venue's name, which is ccxt's id for it."""
        return self.habits.name


def listed(
    name: Callable[[str, str], str], *, quote: str, without: tuple[str, ...] = (), tether: str | None = None
) -> tuple[Pair, ...]:
    """Every coin against `quote` under the venue's naming, and USDT against USD where the venue trades it."""
    coins = [coin for coin in WHOLE.values() if coin is not TETHER and coin.code not in without]
    pairs = tuple(Pair(id=name(coin.code, quote), coin=coin, quote=quote) for coin in coins)
    return (*pairs, Pair(id=tether, coin=TETHER, quote="USD")) if tether else pairs


def row_limit(query: Query, key: str, default: int) -> int:
    """How many rows the client asked for."""
    text = query.get(key, "")
    return int(text) if text.isdigit() else default
