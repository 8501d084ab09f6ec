"""Every minute: ask for the two looks at the lists of tokens of the minute that begins."""

from functions.contests.adapters.market_tasks import sync_tasks
from functions.contests.wiring import Deps, build_market_deps
from kernel.handler import Tick, scheduled


@scheduled(build_market_deps)
def handler(tick: Tick, deps: Deps) -> None:
    deps.tasks.enqueue(sync_tasks(tick.time))
