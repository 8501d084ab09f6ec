"""What market data looks like between Postgres, Redis and whoever values by it; and why a price is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from functions.contests.core.market import Quote
from functions.contests.core.portfolio import Token
from kernel.errors import Conflict
from kernel.prices import PriceUnusable

_THIN: Final = "Its markets hold less than the limit in details, or nobody says how much: their owner makes the price."


class TokenUnpriced(PriceUnusable):
    """There is no price of this token."""

    cause = "Nobody who is asked has had one for long, or the token came to the list a moment ago."
    remedy = "The work waits for one; look at the token under /v1/contests/tokens if it lasts."
    example = '{"mint": "So11111111111111111111111111111111111111112"}'
    retry_after_s = 15.0


class TokenPriceStale(PriceUnusable):
    """The newest price of this token is too old."""

    cause = "Its sources were away, or had none, for longer than the limit in details, which follows from its rank."
    example = '{"mint": "So11111111111111111111111111111111111111112", "age_s": 90, "age_max_s": 60}'
    retry_after_s = 15.0


class TokenPriceWide(PriceUnusable):
    """The markets of this token disagree too much."""

    cause = "Half of the distance between its markets is a larger part of the price than the limit in details."
    example = '{"mint": "So11111111111111111111111111111111111111112", "width_bps": 900, "width_max_bps": 500}'
    retry_after_s = 15.0


class TokenTooThin(PriceUnusable):
    """There is too little liquidity behind the price of this token."""

    cause = _THIN
    remedy = "The work waits for a price with more behind it, and at last takes that of when there was enough."
    example = '{"mint": "So11111111111111111111111111111111111111112", "liquidity_usd": 9, "liquidity_min_usd": 50000}'
    retry_after_s = 60.0


class TokenPriceUnconfirmed(PriceUnusable):
    """The price of this token has just moved far, and nobody trades at either price."""

    cause = "The newest reading is far from the one before; it counts when the next one says about the same."
    remedy = "Wait for the next look at the market, and trade then."
    example = '{"mint": "So11111111111111111111111111111111111111112"}'
    retry_after_s = 15.0


class TokenNotPriced(Conflict):
    """A token has no usable price at the moment, and cannot be chosen."""

    cause = "Nobody tells its price, or the newest one is too old or its markets disagree; details name the tokens."
    remedy = "Choose tokens that GET /v1/contests/market-data shows a present price of; the same transfer still pays."
    example = '{"mints": "So11111111111111111111111111111111111111112"}'


class TokenNotTradable(Conflict):
    """There is too little liquidity behind the price of a token: it is neither chosen nor traded."""

    cause = _THIN
    remedy = "Choose others; what is held of it is valued at the last price of when there was enough behind it."
    example = '{"mints": "So11111111111111111111111111111111111111112", "liquidity_min_usd": 50000}'


#: What makes one token's own price unusable. The oracle's refusals are not among them: what it decides is everybody's.
TOKENS_OWN: Final = (TokenUnpriced, TokenPriceStale, TokenPriceWide, TokenTooThin)


class PricesAt(NamedTuple):
    """Prices of one instant."""

    at: datetime
    tokens: dict[str, Token]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token as it is stored; `silent_since`: since then nobody who was asked had a price of it."""

    mint: str
    symbol: str
    name: str
    decimals: int
    rank: int
    silent_since: datetime | None


def quote_of(row: Mapping[str, Any]) -> Quote:
    """A row as a quote."""
    return Quote(
        mint=row["mint"],
        price=int(row["price"]),
        source=row["source"],
        observed_at=row["observed_at"],
        width_bps=row["width_bps"],
        block=row["block"],
        liquidity_usd=row["liquidity_usd"],
    )


def document_of(quote: Quote) -> dict[str, Any]:
    """A quote as Redis keeps it and as readers of the stream get it: 10^-12 USD as text, the time in ISO 8601."""
    return {
        "mint": quote.mint,
        "price": str(quote.price),
        "source": quote.source,
        "observed_at": quote.observed_at.isoformat(),
        "width_bps": quote.width_bps,
        "block": quote.block,
        "liquidity_usd": quote.liquidity_usd,
    }


def quote_in(document: Mapping[str, Any]) -> Quote:
    """A document as a quote again."""
    return Quote(
        mint=document["mint"],
        price=int(document["price"]),
        source=document["source"],
        observed_at=datetime.fromisoformat(document["observed_at"]),
        width_bps=document["width_bps"],
        block=document["block"],
        liquidity_usd=document.get("liquidity_usd"),
    )
