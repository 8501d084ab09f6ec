"""Jupiter's lists and prices (dev.jup.ag: Tokens API V2, Price API V3).

    GET /tokens/v2/tag?query=verified      [{"id", "symbol", "name", "decimals", "mcap", "liquidity", …}, …]
    GET /price/v3?ids=<up to 50 mints>     {"<mint>": {"usdPrice": 147.48, "blockId": 34800402, "liquidity": 6e8, …}, …}

A token without a price that Jupiter believes in is left out of the answer. The key goes into the header x-api-key.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from functions.contests.adapters.market_site import MarketSite
from functions.contests.core.market import DECIMALS_MAX, JUPITER, Listing, Quote, liquidity_of, price_of

URL: Final = "https://api.jup.ag"
MINTS_PER_CALL: Final = 50
#: The whole list is a few thousand tokens of two kilobytes each.
LIST_MAX_BYTES: Final = 32 * 1024 * 1024
TOKENS_MAX: Final = 10_000
TEXT_LONGEST: Final = 100


class Jupiter:
    """A source of prices and of tokens."""

    name: Final = JUPITER
    mints_per_call: Final = MINTS_PER_CALL

    def __init__(self, url: str = URL, key: Callable[[], str] | None = None, *, plain_allowed: bool = False) -> None:
        """key: the account's, asked for at each call. Raises SettingsInvalid for an address that is none."""
        self._site, self._key = MarketSite(url, plain_allowed=plain_allowed), key

    def prices(self, mints: Sequence[str], at: datetime) -> list[Quote]:
        """Those of at most fifty tokens that have one. Raises SiteUnavailable."""
        told = self._site.read(f"/price/v3?ids={','.join(mints)}", dict, headers=self._headers())
        quotes = [_quote(mint, told[mint], at) for mint in mints if isinstance(told.get(mint), dict)]
        return [quote for quote in quotes if quote is not None]

    def tokens(self) -> list[Listing]:
        """The verified tokens, the largest first. Raises SiteUnavailable."""
        path = "/tokens/v2/tag?query=verified"
        told = self._site.read(path, list, headers=self._headers(), body_max=LIST_MAX_BYTES)
        whole = {token["id"]: token for token in told if _is_whole(token)}
        largest = sorted(whole.values(), key=lambda token: (-_size(token), token["id"]))[:TOKENS_MAX]
        return [_listing(token, rank) for rank, token in enumerate(largest, start=1)]

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()

    def _headers(self) -> dict[str, str]:
        return {"x-api-key": self._key()} if self._key else {}


def _quote(mint: str, told: dict[str, Any], at: datetime) -> Quote | None:
    price, block = price_of(told.get("usdPrice")), told.get("blockId")
    is_block = type(block) is int and 0 <= block < 2**63
    if price is None:
        return None
    return Quote(
        mint=mint,
        price=price,
        source=JUPITER,
        observed_at=at,
        block=block if is_block else None,
        liquidity_usd=liquidity_of(told.get("liquidity")),
    )


def _is_whole(token: Any) -> bool:
    if not isinstance(token, dict):
        return False
    texts = [token.get(name) for name in ("id", "symbol", "name")]
    decimals = token.get("decimals")
    is_named = all(isinstance(text, str) and text.strip() for text in texts)
    return is_named and type(decimals) is int and 0 <= decimals <= DECIMALS_MAX


def _size(token: dict[str, Any]) -> float:
    sizes = (token.get(name) for name in ("mcap", "liquidity"))
    return next((float(size) for size in sizes if isinstance(size, int | float)), 0.0)


def _listing(token: dict[str, Any], rank: int) -> Listing:
    symbol, name = (str(token[field]).strip().replace("\0", "")[:TEXT_LONGEST] or "?" for field in ("symbol", "name"))
    return Listing(mint=token["id"], symbol=symbol, name=name, decimals=token["decimals"], rank=rank)
