"""Every hour: remove the tasks that finished longer ago than their trace is kept; parked ones stay."""

from datetime import timedelta

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: A trace is looked at within days; a business key must not come back within this.
KEEP = timedelta(days=30)
#: Twice what a busy hour finishes, in one statement well under a second.
REMOVED_MAX = 20_000


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    removed = deps.tasks.remove_finished(tick.time - KEEP, REMOVED_MAX)

    count("tasks_removed", removed)
