"""Gate v4 spot: currency pairs, tickers without a time, trades with fractions of a millisecond; quoted in USDT."""

from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits


def currency_pairs(desk: Desk, _query: Query) -> Any:
    """Every listed pair."""
    return [_currency_pair(pair) for pair in desk.pairs]


def _currency_pair(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "base": pair.base,
        "quote": pair.quote,
        "fee": "0.2",
        "min_quote_amount": "1",
        "amount_precision": 6,
        "precision": pair.coin.decimals,
        "trade_status": "tradable",
        "sell_start": 0,
        "buy_start": 0,
    }


def margin_pairs(_desk: Desk, _query: Query) -> Any:
    """No pair trades on margin here."""
    return []


def tickers(desk: Desk, _query: Query) -> Any:
    """The tickers of every market."""
    return [_ticker(desk, pair) for pair in desk.pairs]


def _ticker(desk: Desk, pair: Pair) -> dict[str, Any]:
    ticker = desk.ticker(pair)
    return {
        "currency_pair": pair.id,
        "last": str(ticker.last),
        "lowest_ask": str(ticker.ask),
        "highest_bid": str(ticker.bid),
        "change_percentage": "0.4",
        "base_volume": str(ticker.volume),
        "quote_volume": str(ticker.quote_volume),
        "high_24h": str(ticker.high),
        "low_24h": str(ticker.low),
    }


def trades(desk: Desk, query: Query) -> Any:
    """The newest trades, newest first."""
    pair = desk.pair(query["currency_pair"])
    return [
        {
            "id": str(trade.number),
            "create_time": str(trade.time_ms // 1_000),
            "create_time_ms": f"{trade.time_ms}.105000",
            "currency_pair": pair.id,
            "side": "buy" if trade.is_buy else "sell",
            "amount": str(trade.amount),
            "price": str(trade.price),
        }
        for trade in desk.trades(pair, row_limit(query, "limit", 100))
    ]


VENUE = Venue(
    habits=Habits(name="gate", spread_bps=2.8, noise_bps=7.0, volume_share=0.05),
    pairs=listed(lambda base, quote: f"{base}_{quote}", quote="USDT"),
    paths={
        "/api/v4/spot/currency_pairs": currency_pairs,
        "/api/v4/margin/currency_pairs": margin_pairs,
        "/api/v4/spot/tickers": tickers,
        "/api/v4/spot/trades": trades,
    },
)
