"""Owns the reading of prices, in the caller's transaction: what is decided by a price commits beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kernel.postgres import Queries, Transaction
from kernel.prices.price import Limits, NoPrice, Price

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class Prices:
    """The view kernel.prices, under the limits of one purpose."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def of(self, tx: Transaction, symbol: str) -> Price:
        """The price of a symbol, as "FLR/USD". Raises NoPrice, PriceStale, PriceWide, PriceThin."""
        return self.all_of(tx, [symbol])[symbol]

    def all_of(self, tx: Transaction, symbols: Sequence[str]) -> dict[str, Price]:
        """The prices of all these symbols at one moment, or none. Raises as `of` does, for the first that fails."""
        rows = {row["symbol"]: row for row in tx.all(Q["prices"], symbols=list(symbols))}
        return {symbol: self._price(symbol, rows.get(symbol)) for symbol in symbols}

    def _price(self, symbol: str, row: Mapping[str, Any] | None) -> Price:
        if row is None:
            raise NoPrice(symbol=symbol[:100])
        whole = {"price": int(row["price"]), "confidence": int(row["confidence"])}  # numeric, of scale 0
        return Price(**{**row, **whole}).within(self._limits)
