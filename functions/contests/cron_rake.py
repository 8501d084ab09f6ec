"""Every ten minutes: sweep the wallets of contests whose payments are over, and see to what is held."""

from functions.contests.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    seen = deps.sweeping.look()

    deps.sweeping.take(seen)
