"""Owns what a price is to whoever decides by it, and when it is none. Pure.

Every refusal is transient: the oracle decides each voting round, so the work that needs the price waits for a better
one instead of going on with a bad one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import Transient

BPS: Final = 10_000


class PriceUnusable(Transient):
    """The price cannot be relied on at the moment."""

    cause = "The oracle's consensus is absent, or does not keep the limits of whoever asks."
    remedy = "The work waits for a better one; look at the oracle's rounds and venues if it lasts."
    #: Two voting rounds of Flare.
    retry_after_s = 180.0


class NoPrice(PriceUnusable):
    """The oracle has no price of this symbol."""

    cause = "The symbol is misspelt, or is no feed of the newest reward epochs, or no round has decided it yet."
    remedy = "Compare the symbol with /v1/oracle/prices/latest; the work waits meanwhile."
    example = '{"symbol": "FLR/USD"}'


class PriceStale(PriceUnusable):
    """The newest price is too old."""

    cause = "The oracle has decided no round of this feed for longer than the limit in details."
    example = '{"symbol": "FLR/USD", "age_ms": 700000, "age_max_ms": 300000}'


class PriceWide(PriceUnusable):
    """The sources disagree too much about the price."""

    cause = "The half-width of its 95 % interval is a larger part of the price than the limit in details."
    example = '{"symbol": "FLR/USD", "width_bps": 120, "width_max_bps": 100}'


class PriceThin(PriceUnusable):
    """Too few sources stand behind the price."""

    cause = "Venues are away, stale or outliers, and fewer are left than the limit in details."
    example = '{"symbol": "FLR/USD", "sources": 2, "sources_min": 3}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a price has to keep; the caller's policy."""

    age_max_s: int
    width_max_bps: int
    #: With fewer the oracle itself flags its aggregate.
    sources_min: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A consensus price: `price` and `confidence` in units of 10^-decimals of the quote.

    `confidence` is the half-width of a 95 % interval. `age_ms` is by the database's clock.
    """

    symbol: str
    price: int
    confidence: int
    decimals: int
    sources: int
    voting_round: int
    decided_at: datetime
    age_ms: int

    @property
    def width_bps(self) -> int:
        """The half-width as a part of the price, rounded up; a price of nothing is as wide as can be told."""
        return -(-self.confidence * BPS // self.price) if self.price else 2**63 - 1

    def within(self, limits: Limits) -> "Price":
        """This price, if it keeps the limits. Raises PriceStale, PriceWide, PriceThin."""
        if self.age_ms > limits.age_max_s * 1000:
            raise PriceStale(symbol=self.symbol, age_ms=self.age_ms, age_max_ms=limits.age_max_s * 1000)
        if self.width_bps > limits.width_max_bps:
            raise PriceWide(symbol=self.symbol, width_bps=self.width_bps, width_max_bps=limits.width_max_bps)
        if self.sources < limits.sources_min:
            raise PriceThin(symbol=self.symbol, sources=self.sources, sources_min=limits.sources_min)
        return self
