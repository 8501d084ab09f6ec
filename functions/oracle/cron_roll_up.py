"""Every minute: fold the minutes that got points since they were folded last, however late, into candles."""

from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: The rest of the minute is for the last step and for the next tick.
FOLD_S = 35


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """The running minute is left to the next tick: until then it is read from the points."""
    folded = deps.time_series.candles.fold_marked(tick.time, seconds=FOLD_S)

    count("candle_minutes_folded", folded.minutes)
    count("candles_written", folded.buckets)
    count("candle_minutes_too_late", folded.too_late)
