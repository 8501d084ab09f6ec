"""Every minute: read the chains where the inlets are, so that no deposit depends on a webhook."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    deps.arrivals.follow()
