"""Every minute: ask for the four looks at prices of the minute that begins, fifteen seconds apart."""

from functions.contests.adapters.market_tasks import refresh_tasks
from functions.contests.wiring import Deps, build_market_deps
from kernel.handler import Tick, scheduled


@scheduled(build_market_deps)
def handler(tick: Tick, deps: Deps) -> None:
    deps.tasks.enqueue(refresh_tasks(tick.time))
