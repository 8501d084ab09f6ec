"""Every minute: read what the program did, so that nothing depends on a webhook; then compare books and accounts."""

from functions.netting.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

#: Of the function's time; the rest is for the comparison.
TURN_S = 30.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    deps.listening.follow(TURN_S)

    deps.reconciling.compare()

    deps.reconciling.renew()
