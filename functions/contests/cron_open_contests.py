"""Every minute: announce what templates open, and ask for the starts, ends and snapshots of the next two minutes."""

from functions.contests.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    deps.templates.open(tick.time)

    deps.living.plan(tick.time)
    deps.snapshots.plan(tick.time)
