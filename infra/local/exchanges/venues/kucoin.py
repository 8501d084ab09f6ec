"""KuCoin spot: symbols, all tickers under one time, trade histories in nanoseconds; quoted in USDT."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed
from infra.local.exchanges.market import Habits


def _reply(content: Any) -> dict[str, Any]:
    return {"code": "200000", "data": content}


def symbols(desk: Desk, _query: Query) -> Any:
    """Every listed symbol."""
    return _reply([_symbol(pair) for pair in desk.pairs])


def _symbol(pair: Pair) -> dict[str, Any]:
    return {
        "symbol": pair.id,
        "name": pair.id,
        "baseCurrency": pair.base,
        "quoteCurrency": pair.quote,
        "baseMinSize": "0.0001",
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": "0.000001",
        "quoteIncrement": "0.000001",
        "priceIncrement": pair.tick,
        "isMarginEnabled": False,
        "enableTrading": True,
    }


def all_tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every market, with one time for all."""
    return _reply({"time": desk.now_ms, "ticker": [_ticker(desk, pair) for pair in desk.pairs]})


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "symbol": pair.id,
        "symbolName": pair.id,
        "buy": str(ticker.bid),
        "sell": str(ticker.ask),
        "changePrice": str(ticker.last - ticker.open),
        "high": str(ticker.high),
        "low": str(ticker.low),
        "vol": str(ticker.volume),
        "volValue": str(ticker.quote_volume),
        "last": str(ticker.last),
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.001",
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


def histories(desk: Desk, query: Query) -> Any:
    """The newest hundred trades, newest first."""
    return _reply(
        [
            {
                "sequence": str(trade.number),
                "price": str(trade.price),
                "size": str(trade.amount),
                "side": "buy" if trade.is_buy else "sell",
                # Within the millisecond: its client divides in floats, and would land in the one before.
                "time": trade.time_ms * 1_000_000 + 500_000,
            }
            for trade in desk.trades(desk.pair(query["symbol"]), 100)
        ]
    )


VENUE = Venue(
    habits=Habits(name="kucoin", spread_bps=2.4, noise_bps=6.0, volume_share=0.04),
    pairs=listed(lambda base, quote: f"{base}-{quote}", quote="USDT"),
    paths={
        "/api/v2/symbols": symbols,
        "/api/v1/market/allTickers": all_tickers,
        "/api/v1/market/histories": histories,
    },
)
