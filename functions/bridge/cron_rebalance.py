"""Every five minutes: send earnings above their target to the operator, and say where money is short."""

from functions.bridge.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    plan = deps.rebalancing.decide()

    count("bridge_collections", len(plan.collects))
    count("bridge_alarms", len(plan.alarms) + deps.rebalancing.needing_people())
