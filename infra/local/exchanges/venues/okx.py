"""OKX v5 spot: instruments, tickers, trades; everything is text, quoted in USDT."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def _reply(rows: list[Any]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": rows}


def instruments(desk: Desk, query: Query) -> Any:
    """Every spot instrument; the other types are empty."""
    return _reply([_instrument(pair) for pair in desk.pairs] if query.get("instType") == "SPOT" else [])


def _instrument(pair: Pair) -> dict[str, Any]:
    return {
        "instType": "SPOT",
        "instId": pair.id,
        "baseCcy": pair.base,
        "quoteCcy": pair.quote,
        "settleCcy": "",
        "uly": "",
        "lever": "",
        "listTime": "1548133413000",
        "lotSz": "0.000001",
        "minSz": "0.00001",
        "tickSz": pair.tick,
        "state": "live",
    }


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every spot market."""
    return _reply([_ticker(desk, pair) for pair in desk.pairs])


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "instType": "SPOT",
        "instId": pair.id,
        "last": str(ticker.last),
        "askPx": str(ticker.ask),
        "askSz": "4.2",
        "bidPx": str(ticker.bid),
        "bidSz": "6.05",
        "open24h": str(ticker.open),
        "high24h": str(ticker.high),
        "low24h": str(ticker.low),
        "volCcy24h": str(ticker.quote_volume),
        "vol24h": str(ticker.volume),
        "ts": str(ticker.time_ms),
    }


def trades(desk: Desk, query: Query) -> Any:
    """The newest trades, newest first."""
    pair = desk.pair(query["instId"])
    return _reply(
        [
            {
                "instId": pair.id,
                "side": "buy" if trade.is_buy else "sell",
                "sz": str(trade.amount),
                "px": str(trade.price),
                "tradeId": str(trade.number),
                "ts": str(trade.time_ms),
            }
            for trade in desk.trades(pair, min(row_limit(query, "limit", 100), 500))
        ]
    )


VENUE = Venue(
    habits=Habits(name="okx", spread_bps=1.2, noise_bps=3.5, volume_share=0.11),
    pairs=listed(lambda base, quote: f"{base}-{quote}", quote="USDT"),
    paths={
        "/api/v5/public/instruments": instruments,
        "/api/v5/market/tickers": tickers,
        "/api/v5/market/trades": trades,
    },
)
