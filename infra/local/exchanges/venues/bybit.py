"""Bybit v5 spot: instruments, tickers, recent trades; its tickers carry no time of their own, quoted in USDT."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def _reply(desk: Desk, rows: list[Any]) -> dict[str, Any]:
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "spot", "list": rows},
        "retExtInfo": {},
        "time": desk.now_ms,
    }


def instruments(desk: Desk, query: Query) -> Any:
    """Every spot instrument; the other categories are empty."""
    return _reply(desk, [_instrument(pair) for pair in desk.pairs] if query.get("category") == "spot" else [])


def _instrument(pair: Pair) -> dict[str, Any]:
    return {
        "symbol": pair.id,
        "baseCoin": pair.base,
        "quoteCoin": pair.quote,
        "status": "Trading",
        "marginTrading": "none",
        "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.00000001", "minOrderQty": "0.00004"},
        "priceFilter": {"tickSize": pair.tick},
    }


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every spot market."""
    return _reply(desk, [_ticker(desk, pair) for pair in desk.pairs])


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "symbol": pair.id,
        "bid1Price": str(ticker.bid),
        "bid1Size": "2",
        "ask1Price": str(ticker.ask),
        "ask1Size": "1.8",
        "lastPrice": str(ticker.last),
        "prevPrice24h": str(ticker.open),
        "highPrice24h": str(ticker.high),
        "lowPrice24h": str(ticker.low),
        "turnover24h": str(ticker.quote_volume),
        "volume24h": str(ticker.volume),
    }


def recent_trades(desk: Desk, query: Query) -> Any:
    """The newest trades, newest first, 60 at most."""
    pair = desk.pair(query["symbol"])
    return _reply(
        desk,
        [
            {
                "execId": str(trade.number),
                "symbol": pair.id,
                "price": str(trade.price),
                "size": str(trade.amount),
                "side": "Buy" if trade.is_buy else "Sell",
                "time": str(trade.time_ms),
                "isBlockTrade": False,
            }
            for trade in desk.trades(pair, min(row_limit(query, "limit", 60), 60))
        ],
    )


VENUE = Venue(
    habits=Habits(name="bybit", spread_bps=1.4, noise_bps=4.0, volume_share=0.12),
    pairs=listed(lambda base, quote: base + quote, quote="USDT"),
    paths={
        "/v5/market/instruments-info": instruments,
        "/v5/market/tickers": tickers,
        "/v5/market/recent-trade": recent_trades,
    },
)
