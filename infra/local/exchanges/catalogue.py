"""The venues that run locally, by name."""

from infra.local.exchanges.desk import Desk, Venue
from infra.local.exchanges.listings import COINS
from infra.local.exchanges.market import Market
from infra.local.exchanges.venues import (
    binance,
    bitfinex,
    bitstamp,
    bybit,
    cryptocom,
    gate,
    htx,
    kraken,
    kucoin,
    mexc,
    okx,
)

VENUES: dict[str, Venue] = {
    module.VENUE.name: module.VENUE
    for module in (binance, bitfinex, bitstamp, bybit, cryptocom, gate, htx, kraken, kucoin, mexc, okx)
}


def desk_at(venue: str, *, seed: int, time_ms: int, lie_bps: int = 0, whole: bool = False) -> Desk:
    """What `venue` knows at `time_ms`: the answers a test expects, without asking the server.

    whole: it trades the whole listing, rather than COINS alone.
    """
    place = VENUES[venue]
    pairs = place.pairs if whole else tuple(pair for pair in place.pairs if pair.base in COINS)
    return Desk(market=Market(seed, lie_bps), habits=place.habits, pairs=pairs, now_ms=time_ms)
