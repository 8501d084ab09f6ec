"""Crypto.com Exchange v1: instruments, tickers, trades with one-letter keys; quoted in USD."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def _reply(method: str, rows: list[Any]) -> dict[str, Any]:
    return {"id": -1, "method": method, "code": 0, "result": {"data": rows}}


def instruments(desk: Desk, _query: Query) -> Any:
    """Every listed pair."""
    return _reply("public/get-instruments", [_instrument(pair) for pair in desk.pairs])


def _instrument(pair: Pair) -> dict[str, Any]:
    return {
        "symbol": pair.id,
        "inst_type": "CCY_PAIR",
        "display_name": f"{pair.base}/{pair.quote}",
        "base_ccy": pair.base,
        "quote_ccy": pair.quote,
        "quote_decimals": pair.coin.decimals,
        "quantity_decimals": 6,
        "price_tick_size": pair.tick,
        "qty_tick_size": "0.000001",
        "max_leverage": "50",
        "tradable": True,
        "expiry_timestamp_ms": 0,
        "margin_buy_enabled": False,
        "margin_sell_enabled": False,
    }


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every market."""
    return _reply("public/get-tickers", [_ticker(desk, pair) for pair in desk.pairs])


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "i": pair.id,
        "h": str(ticker.high),
        "l": str(ticker.low),
        "a": str(ticker.last),
        "v": str(ticker.volume),
        "vv": str(ticker.quote_volume),
        "c": "0.004",
        "b": str(ticker.bid),
        "k": str(ticker.ask),
        "t": ticker.time_ms,
    }


def trades(desk: Desk, query: Query) -> Any:
    """The newest trades, newest first, 150 at most."""
    pair = desk.pair(query["instrument_name"])
    return _reply(
        "public/get-trades",
        [
            {
                "s": "buy" if trade.is_buy else "sell",
                "p": str(trade.price),
                "q": str(trade.amount),
                "t": trade.time_ms,
                "tn": trade.time_ms * 1_000_000,
                "d": str(trade.number),
                "i": pair.id,
            }
            for trade in desk.trades(pair, min(row_limit(query, "count", 25), 150))
        ],
    )


VENUE = Venue(
    habits=Habits(name="cryptocom", spread_bps=1.8, noise_bps=5.0, volume_share=0.06),
    pairs=listed(lambda base, quote: f"{base}_{quote}", quote="USD", tether="USDT_USD"),
    paths={
        "/exchange/v1/public/get-instruments": instruments,
        "/exchange/v1/public/get-tickers": tickers,
        "/exchange/v1/public/get-trades": trades,
    },
)
