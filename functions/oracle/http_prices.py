"""Serve prices: the newest ones, their history in buckets, the consensus at a moment, and what became of a round."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.oracle.adapters import price_views as views
from functions.oracle.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("oracle", build_deps, in_threads=False)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Symbols = Annotated[str, Query(pattern=views.SYMBOLS_PATTERN, description="Comma separated, at most 50.")]
Symbol = Annotated[str, Query(pattern=views.SYMBOL_PATTERN)]


@app.get("/prices/latest")
@app.get("/v1/oracle/prices/latest")
def latest_prices(symbols: Symbols, deps: Wired, _: Anyone) -> views.Prices:
    """The newest aggregate of each symbol, with its age. A symbol without a price yet is listed as missing."""
    now = deps.clock.now()
    wanted = views.known(symbols, deps.latest.symbols(now))
    return views.prices(wanted, deps.latest.of(wanted, now), now)


@app.get("/aggregates/consensus")
@app.get("/v1/oracle/aggregates/consensus")
def consensus(symbols: Symbols, deps: Wired, _: Anyone, timestamp: views.Moment | None = None) -> views.Prices:
    """The aggregate of each symbol that was the newest at a moment, by default now."""
    now = deps.clock.now()
    wanted, at = views.known(symbols, deps.latest.symbols(now)), timestamp or now
    return views.prices(wanted, deps.repository.aggregates_at(wanted, at), at)


@app.get("/prices/range")
@app.get("/v1/oracle/prices/range")
def price_range(  # one parameter a field of the query
    symbol: Symbol,
    deps: Wired,
    _: Anyone,
    start: Annotated[views.Moment, Query(alias="from")],
    end: Annotated[views.Moment, Query(alias="to")],
    interval: views.Interval = views.Interval.MINUTE,
    source: Annotated[str | None, Query(pattern=views.SOURCE_PATTERN)] = None,
    limit: Annotated[int, Query(ge=1, le=views.BUCKETS_MAX)] = 1_000,
) -> views.PriceRange:
    """Open, high, low, close and volume in the buckets that [from, to) touches, oldest first, those with points.

    Of all sources together, of one, or of what was decided (source=consensus). At most `limit` buckets of time are
    looked at; next_from continues a longer range.
    """
    stop = views.stop_of(start, end, interval, limit)
    rows = deps.time_series.candles.between(symbol, start=start, stop=stop, width=interval.width, source=source)
    return views.price_range(symbol, interval, rows, next_from=stop if stop < end else None)


@app.get("/oracle/rounds/{id}")
@app.get("/v1/oracle/rounds/{id}")
def voting_round(
    id: Annotated[int, Path(ge=0, le=views.ROUND_MAX)],
    deps: Wired,
    _: Anyone,
) -> views.Round:
    """What this provider did in a voting round, and the result as it computed it."""
    return views.round_view(id, deps.history.submission(id), deps.history.result(id))


handler = lambda_handler(app)
