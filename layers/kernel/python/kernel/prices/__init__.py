"""Owns the oracle's prices as the other services read them, and the refusal of one that is too old, wide or thin."""

from kernel.prices.price import Limits, NoPrice, Price, PriceStale, PriceThin, PriceUnusable, PriceWide
from kernel.prices.reader import Prices

__all__ = ["Limits", "NoPrice", "Price", "PriceStale", "PriceThin", "PriceUnusable", "PriceWide", "Prices"]
