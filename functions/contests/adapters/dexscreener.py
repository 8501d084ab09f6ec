"""DexScreener's prices (docs.dexscreener.com/api/reference): 300 calls a minute, no key.

    GET /tokens/v1/solana/<up to 30 mints>     [{"chainId": "solana", "pairAddress": "…", "priceUsd": "147.48",
                                                 "baseToken": {"address": "…"}, "liquidity": {"usd": 1043.5}, …}, …]

The answer has every market in which a token is traded. Its price is that of the deepest one in which it is the base,
whose liquidity is its own; how far apart they are is told by those that are at least a tenth as deep.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from functions.contests.adapters.market_site import MarketSite
from functions.contests.core.market import DEXSCREENER, Quote, liquidity_of, price_of, width_bps

URL: Final = "https://api.dexscreener.com"
MINTS_PER_CALL: Final = 30
CHAIN: Final = "solana"
#: A market that is so many times shallower than the deepest says nothing about the price.
SHALLOWER_MAX: Final = 10


class DexScreener:
    """A source of prices."""

    name: Final = DEXSCREENER
    mints_per_call: Final = MINTS_PER_CALL

    def __init__(self, url: str = URL, *, plain_allowed: bool = False) -> None:
        """Raises SettingsInvalid for an address that is none."""
        self._site = MarketSite(url, plain_allowed=plain_allowed)

    def prices(self, mints: Sequence[str], at: datetime) -> list[Quote]:
        """Those of at most thirty tokens that are traded. Raises SiteUnavailable."""
        pairs = self._site.read(f"/tokens/v1/{CHAIN}/{','.join(mints)}", list)
        markets: dict[str, list[tuple[float, int]]] = {mint: [] for mint in mints}
        for mint, depth, price in _traded(pairs):
            if mint in markets:
                markets[mint].append((depth, price))
        return [_quote(mint, found, at) for mint, found in markets.items() if found]

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()


def _traded(pairs: Sequence[Any]) -> Iterator[tuple[str, float, int]]:
    """Mint, depth in USD and price of each market on Solana that says all three."""
    for pair in pairs:
        if not isinstance(pair, Mapping) or pair.get("chainId") != CHAIN:
            continue
        base, liquidity = pair.get("baseToken"), pair.get("liquidity")
        mint = base.get("address") if isinstance(base, Mapping) else None
        depth = liquidity.get("usd") if isinstance(liquidity, Mapping) else None
        price = price_of(pair.get("priceUsd"))
        if isinstance(mint, str) and isinstance(depth, int | float) and depth > 0 and price is not None:
            yield mint, float(depth), price


def _quote(mint: str, markets: Sequence[tuple[float, int]], at: datetime) -> Quote:
    deepest, price = max(markets)
    width = width_bps([one for depth, one in markets if depth * SHALLOWER_MAX >= deepest])
    told = {"width_bps": width, "liquidity_usd": liquidity_of(deepest)}
    return Quote(mint=mint, price=price, source=DEXSCREENER, observed_at=at, **told)
