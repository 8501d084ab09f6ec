"""Kraken: asset pairs under their old names, tickers without a time, trades as rows; quoted in USD."""

from decimal import Decimal
from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits
from infra.local.exchanges.wire import number

# Assets of the first years carry an X for coins and a Z for currencies, and two have other letters altogether.
OLD_NAMES = {"BTC": "XXBT", "DOGE": "XXDG", "ETC": "XETC", "ETH": "XETH", "LTC": "XLTC", "XLM": "XXLM", "XRP": "XXRP"}
SHORT_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
OLD_PAIRS = ("BTC", "ETC", "ETH", "LTC", "XLM", "XRP")


def _asset(code: str) -> str:
    return "ZUSD" if code == "USD" else OLD_NAMES.get(code, code)


def _pair_name(base: str, quote: str) -> str:
    if base in OLD_PAIRS:
        return _asset(base) + _asset(quote)
    return SHORT_NAMES.get(base, base) + quote


def _reply(result: dict[str, Any]) -> dict[str, Any]:
    return {"error": [], "result": result}


def assets(desk: Desk, _query: Query) -> Any:
    """Every currency of the listings."""
    codes = ["USD", *(pair.base for pair in desk.pairs)]
    return _reply(
        {
            _asset(code): {
                "aclass": "currency",
                "altname": SHORT_NAMES.get(code, code),
                "decimals": 10,
                "display_decimals": 5,
                "status": "enabled",
            }
            for code in codes
        }
    )


def asset_pairs(desk: Desk, _query: Query) -> Any:
    """Every listed pair."""
    return _reply({pair.id: _asset_pair(pair) for pair in desk.pairs})


def _asset_pair(pair: Pair) -> dict[str, Any]:
    short = SHORT_NAMES.get(pair.base, pair.base)
    return {
        "altname": short + pair.quote,
        "wsname": f"{short}/{pair.quote}",
        "base": _asset(pair.base),
        "quote": _asset(pair.quote),
        "pair_decimals": pair.coin.decimals,
        "lot_decimals": 8,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, number(Decimal("0.26"))]],
        "fees_maker": [[0, number(Decimal("0.16"))]],
        "ordermin": "0.0001",
        "status": "online",
    }


def tickers(desk: Desk, query: Query) -> Any:
    """The tickers of the pairs asked for, or of all."""
    wanted = [desk.pair(name) for name in query["pair"].split(",")] if "pair" in query else desk.pairs
    return _reply({pair.id: _ticker(desk, pair) for pair in wanted})


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "a": [str(ticker.ask), "1", "1.000"],
        "b": [str(ticker.bid), "2", "2.000"],
        "c": [str(ticker.last), "0.04408910"],
        "v": [str(ticker.volume), str(ticker.volume)],
        "p": [str(ticker.last), str(ticker.last)],
        "t": [3907, 10056],
        "l": [str(ticker.low), str(ticker.low)],
        "h": [str(ticker.high), str(ticker.high)],
        "o": str(ticker.open),
    }


def trades(desk: Desk, query: Query) -> Any:
    """The newest trades, oldest first; times are seconds with a fraction."""
    pair = desk.pair(query["pair"])
    rows = [
        [
            str(trade.price),
            str(trade.amount),
            number(Decimal(trade.time_ms).scaleb(-3)),
            "b" if trade.is_buy else "s",
            "l",
            "",
            trade.number,
        ]
        for trade in reversed(desk.trades(pair, row_limit(query, "count", 1_000)))
    ]
    return _reply({pair.id: rows, "last": str(desk.now_ms * 1_000_000)})


VENUE = Venue(
    habits=Habits(name="kraken", spread_bps=1.6, noise_bps=4.0, volume_share=0.08),
    pairs=listed(_pair_name, quote="USD", tether="USDTZUSD"),
    paths={
        "/0/public/Assets": assets,
        "/0/public/AssetPairs": asset_pairs,
        "/0/public/Ticker": tickers,
        "/0/public/Trades": trades,
    },
)
