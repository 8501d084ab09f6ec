"""Bitfinex v2: configuration maps, tickers and trades as bare rows of JSON numbers; quoted in USD."""

from decimal import Decimal
from typing import Any

from infra.local.exchanges.desk import Desk, Pair, Query, Venue, listed, row_limit
from infra.local.exchanges.market import Habits
from infra.local.exchanges.wire import number

SHORT_NAMES = {"ALGO": "ALG", "ATOM": "ATO"}


def _pair_name(base: str, quote: str) -> str:
    short = SHORT_NAMES.get(base, base)
    return f"t{short}{quote}" if len(short) == 3 else f"t{short}:{quote}"


def configuration(desk: Desk, _query: Query) -> Any:
    """Spot pairs with their order sizes; futures, securities and margin are empty."""
    sizes = [None, None, None, "0.0001", "2000.0", None, None, None, None, None, None, None]
    return [[[pair.id.removeprefix("t"), sizes] for pair in desk.pairs], [], [], []]


def tickers(desk: Desk, query: Query) -> Any:
    """The tickers of the symbols asked for, or of all."""
    names = query.get("symbols", "ALL")
    wanted = desk.pairs if names == "ALL" else [desk.pair(name) for name in names.split(",")]
    return [_ticker(desk, pair) for pair in wanted]


def _ticker(desk: Desk, pair: Pair) -> list[Any]:
    ticker = desk.ticker(pair)
    change = ticker.last - ticker.open
    return [
        pair.id,
        number(ticker.bid),
        number(Decimal("12.5")),
        number(ticker.ask),
        number(Decimal("9.75")),
        number(change),
        number((change / ticker.open).quantize(Decimal("0.00000001"))),
        number(ticker.last),
        number(ticker.volume),
        number(ticker.high),
        number(ticker.low),
    ]


def _history_of(pair: Pair) -> Any:
    def history(desk: Desk, query: Query) -> Any:
        return [
            [
                trade.number,
                trade.time_ms,
                number(trade.amount if trade.is_buy else -trade.amount),
                number(trade.price),
            ]
            for trade in desk.trades(pair, row_limit(query, "limit", 120))
        ]

    return history


PAIRS = listed(_pair_name, quote="USD", without=("FLR",), tether="tUSTUSD")
VENUE = Venue(
    habits=Habits(name="bitfinex", spread_bps=3.2, noise_bps=6.0, volume_share=0.02),
    pairs=PAIRS,
    paths={
        "/v2/conf/pub:info:pair,pub:info:pair:futures,pub:list:pair:securities,pub:list:pair:margin": configuration,
        "/v2/tickers": tickers,
        **{f"/v2/trades/{pair.id}/hist": _history_of(pair) for pair in PAIRS},
    },
)
