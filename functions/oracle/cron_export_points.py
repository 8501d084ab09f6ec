"""Every hour: ask for the export of the days of raw points that are due, and remove wide candles that are not kept."""

from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """A day that is not exported is not dropped either; ops/cron_partitions alarms it then."""
    due = deps.time_series.days.plan(tick.time)

    deps.tasks.enqueue(due)
    count("days_to_export", len(due))
    count("wide_candles_removed", deps.time_series.candles.remove_old(tick.time))
