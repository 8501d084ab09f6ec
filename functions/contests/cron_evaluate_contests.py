"""Every minute: ask for the evaluation of contests that are over, in case nobody has; tell of what stands still."""

from functions.contests.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    deps.evaluating.plan(tick.time)

    deps.standstill.tell()
