"""Binance spot: exchangeInfo, the 24-hour tickers, aggregated trades; prices are text, quoted in USDT."""

import json
from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def exchange_info(desk: Desk, _query: Query) -> Any:
    """Every listed symbol with its filters."""
    return {"timezone": "UTC", "serverTime": desk.now_ms, "symbols": [_symbol(pair) for pair in desk.pairs]}


def _symbol(pair: Pair) -> dict[str, Any]:
    return {
        "symbol": pair.id,
        "status": "TRADING",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": pair.tick, "maxPrice": "1000000", "tickSize": pair.tick},
            {"filterType": "LOT_SIZE", "minQty": "0.000001", "maxQty": "9000000", "stepSize": "0.000001"},
        ],
    }


def day_tickers(desk: Desk, query: Query) -> Any:
    """The tickers of the symbols asked for, or of all."""
    wanted = [desk.pair(name) for name in json.loads(query["symbols"])] if "symbols" in query else desk.pairs
    return [_ticker(desk, pair) for pair in wanted]


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "symbol": pair.id,
        "lastPrice": str(ticker.last),
        "bidPrice": str(ticker.bid),
        "askPrice": str(ticker.ask),
        "openPrice": str(ticker.open),
        "highPrice": str(ticker.high),
        "lowPrice": str(ticker.low),
        "volume": str(ticker.volume),
        "quoteVolume": str(ticker.quote_volume),
        "openTime": ticker.time_ms - 86_400_000,
        "closeTime": ticker.time_ms,
    }


def aggregated_trades(desk: Desk, query: Query) -> Any:
    """The newest trades, oldest first."""
    trades = desk.trades(desk.pair(query["symbol"]), row_limit(query, "limit", 500))
    return [
        {
            "a": trade.number,
            "p": str(trade.price),
            "q": str(trade.amount),
            "f": trade.number,
            "l": trade.number,
            "T": trade.time_ms,
            "m": not trade.is_buy,
            "M": True,
        }
        for trade in reversed(trades)
    ]


VENUE = Venue(
    habits=Habits(name="binance", spread_bps=1.0, noise_bps=3.0, volume_share=0.31),
    pairs=listed(lambda base, quote: base + quote, quote="USDT", without=("FLR",)),
    paths={
        "/api/v3/exchangeInfo": exchange_info,
        "/api/v3/ticker/24hr": day_tickers,
        "/api/v3/aggTrades": aggregated_trades,
    },
)
