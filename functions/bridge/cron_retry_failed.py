"""Every five minutes: take the steps of failed orders anew, and of orders that nobody looks after."""

from functions.bridge.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    woken = deps.retrying.wake_due()

    count("orders_woken", woken)
