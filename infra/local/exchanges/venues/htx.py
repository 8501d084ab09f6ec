"""HTX spot: symbols, tickers and trades whose prices are JSON numbers; quoted in USDT."""

from decimal import Decimal
from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits
from infra.local.exchanges.wire import number


def symbols(desk: Desk, _query: Query) -> Any:
    """Every listed symbol."""
    return {"status": "ok", "data": [_symbol(pair) for pair in desk.pairs]}


def _symbol(pair: Pair) -> dict[str, Any]:
    return {
        "base-currency": pair.base.lower(),
        "quote-currency": pair.quote.lower(),
        "price-precision": pair.coin.decimals,
        "amount-precision": 6,
        "symbol-partition": "main",
        "symbol": pair.id,
        "state": "online",
        "value-precision": 8,
        "min-order-amt": number(Decimal("0.0001")),
        "min-order-value": 5,
        "api-trading": "enabled",
    }


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every market; the time stands outside them."""
    return {"data": [_ticker(desk, pair) for pair in desk.pairs], "status": "ok", "ts": desk.now_ms}


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "symbol": pair.id,
        "open": number(ticker.open),
        "high": number(ticker.high),
        "low": number(ticker.low),
        "close": number(ticker.last),
        "amount": number(ticker.volume),
        "vol": number(ticker.quote_volume),
        "count": 205,
        "bid": number(ticker.bid),
        "bidSize": number(Decimal("5.25")),
        "ask": number(ticker.ask),
        "askSize": number(Decimal("150.5")),
    }


def trade_history(desk: Desk, query: Query) -> Any:
    """The newest trades, each in a batch of its own."""
    pair = desk.pair(query["symbol"])
    batches = [
        {
            "id": trade.number,
            "ts": trade.time_ms,
            "data": [
                {
                    "amount": number(trade.amount),
                    "trade-id": trade.number,
                    "ts": trade.time_ms,
                    "id": trade.number * 1_000,
                    "price": number(trade.price),
                    "direction": "buy" if trade.is_buy else "sell",
                }
            ],
        }
        for trade in desk.trades(pair, row_limit(query, "size", 1))
    ]
    return {"status": "ok", "ch": f"market.{pair.id}.trade.detail", "ts": desk.now_ms, "data": batches}


VENUE = Venue(
    habits=Habits(name="htx", spread_bps=2.6, noise_bps=7.0, volume_share=0.04),
    pairs=listed(lambda base, quote: (base + quote).lower(), quote="USDT"),
    paths={
        "/v1/common/symbols": symbols,
        "/market/tickers": tickers,
        "/market/history/trade": trade_history,
    },
)
