"""Every five minutes: read the final blocks of every origin, so that nothing is ever missed, however long an outage."""

from functions.bridge.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

#: For all origins together, well within the function's time. What is left is for the next turn.
TURN_S = 40.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    deps.following.accepted(TURN_S)
