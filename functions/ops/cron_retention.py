"""Every hour: remove tasks, webhooks and jobs that ended longer ago than their trace is kept; parked tasks stay."""

from datetime import timedelta

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: A trace is looked at within days; a business key must not come back within this.
KEEP = timedelta(days=30)
#: Twice what a busy hour finishes, in one statement well under a second.
REMOVED_MAX = 20_000


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    before = tick.time - KEEP

    count("tasks_removed", deps.tasks.remove_finished(before, REMOVED_MAX))
    count("webhooks_removed", deps.deliveries.remove_ended(before, REMOVED_MAX))
    count("jobs_removed", deps.kernel.jobs.remove_ended(before, REMOVED_MAX))
