"""Bitstamp v2: markets, all tickers with times in seconds, transactions of the last hour; quoted in USD."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed
from infra.local.exchanges.market import Habits


def markets(desk: Desk, _query: Query) -> Any:
    """Every listed market."""
    return [_market(pair) for pair in desk.pairs]


def _market(pair: Pair) -> dict[str, Any]:
    return {
        "name": f"{pair.base}/{pair.quote}",
        "market_symbol": pair.id,
        "base_currency": pair.base,
        "base_decimals": 8,
        "counter_currency": pair.quote,
        "counter_decimals": pair.coin.decimals,
        "minimum_order_value": "10",
        "trading": "Enabled",
        "instant_order_counter_decimals": 2,
        "instant_and_market_orders": "Enabled",
        "description": f"{pair.base} / {pair.quote}",
        "market_type": "SPOT",
    }


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every market."""
    return [_ticker(desk, pair) for pair in desk.pairs]


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "timestamp": str(ticker.time_ms // 1_000),
        "pair": f"{pair.base}/{pair.quote}",
        "market": f"{pair.base}/{pair.quote}",
        "open": str(ticker.open),
        "high": str(ticker.high),
        "low": str(ticker.low),
        "last": str(ticker.last),
        "volume": str(ticker.volume),
        "vwap": str(ticker.last),
        "bid": str(ticker.bid),
        "ask": str(ticker.ask),
    }


def _transactions_of(pair: Pair) -> Any:
    def transactions(desk: Desk, _query: Query) -> Any:
        return [
            {
                "date": str(trade.time_ms // 1_000),
                "tid": str(trade.number),
                "amount": str(trade.amount),
                "type": "0" if trade.is_buy else "1",
                "price": str(trade.price),
            }
            for trade in desk.trades(pair, 100)
        ]

    return transactions


PAIRS = listed(lambda base, quote: (base + quote).lower(), quote="USD", tether="usdtusd")
VENUE = Venue(
    habits=Habits(name="bitstamp", spread_bps=2.2, noise_bps=5.0, volume_share=0.03),
    pairs=PAIRS,
    paths={
        "/api/v2/markets/": markets,
        "/api/v2/ticker/": tickers,
        **{f"/api/v2/transactions/{pair.id}/": _transactions_of(pair) for pair in PAIRS},
    },
)
