"""Every minute: read the newest blocks of every origin, so that an order is seen without a webhook, too."""

from functions.bridge.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

#: For all origins together, well within the function's time.
TURN_S = 40.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    deps.following.newest(TURN_S)
