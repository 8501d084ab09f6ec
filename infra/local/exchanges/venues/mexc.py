"""MEXC spot v3: exchangeInfo, the 24-hour tickers, aggregated trades without ids; quoted in USDT."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def exchange_info(desk: Desk, _query: Query) -> Any:
    """Every listed symbol."""
    return {"timezone": "CST", "serverTime": desk.now_ms, "symbols": [_symbol(pair) for pair in desk.pairs]}


def _symbol(pair: Pair) -> dict[str, Any]:
    return {
        "symbol": pair.id,
        "status": "1",
        "baseAsset": pair.base,
        "baseAssetPrecision": "6",
        "quoteAsset": pair.quote,
        "quoteAssetPrecision": str(pair.coin.decimals),
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "baseSizePrecision": "0.000001",
        "maxQuoteAmount": "5000000",
        "makerCommission": "0.002",
        "takerCommission": "0.002",
        "quoteAmountPrecision": "1",
    }


def contract_details(_desk: Desk, _query: Query) -> Any:
    """No contracts here; the venue's client asks for them with the spot markets."""
    return {"success": True, "code": 0, "data": []}


def day_tickers(desk: Desk, query: Query) -> Any:
    """The tickers of every market, or the one asked for."""
    if "symbol" in query:
        return _ticker(desk, desk.pair(query["symbol"]))
    return [_ticker(desk, pair) for pair in desk.pairs]


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "symbol": pair.id,
        "lastPrice": str(ticker.last),
        "bidPrice": str(ticker.bid),
        "bidQty": "1.1",
        "askPrice": str(ticker.ask),
        "askQty": "1.2",
        "openPrice": str(ticker.open),
        "highPrice": str(ticker.high),
        "lowPrice": str(ticker.low),
        "volume": str(ticker.volume),
        "quoteVolume": str(ticker.quote_volume),
        "openTime": ticker.time_ms - 86_400_000,
        "closeTime": ticker.time_ms,
        "count": None,
    }


def aggregated_trades(desk: Desk, query: Query) -> Any:
    """The newest trades, newest first."""
    trades = desk.trades(desk.pair(query["symbol"]), row_limit(query, "limit", 500))
    return [
        {
            "a": None,
            "f": None,
            "l": None,
            "p": str(trade.price),
            "q": str(trade.amount),
            "T": trade.time_ms,
            "m": not trade.is_buy,
            "M": True,
        }
        for trade in trades
    ]


VENUE = Venue(
    habits=Habits(name="mexc", spread_bps=3.0, noise_bps=8.0, volume_share=0.04),
    pairs=listed(lambda base, quote: base + quote, quote="USDT"),
    paths={
        "/api/v3/exchangeInfo": exchange_info,
        "/api/v1/contract/detail": contract_details,
        "/api/v3/ticker/24hr": day_tickers,
        "/api/v3/aggTrades": aggregated_trades,
    },
)
