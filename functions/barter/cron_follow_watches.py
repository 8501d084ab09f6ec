"""Every minute: read what exchanges tell of their phases, and ask anew for looks that nobody has taken."""

from functions.barter.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: Well within the function's time.
TURN_S = 40.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    missed = deps.following.plan_missed()
    count("barter_looks_missed", missed)

    told = deps.indexing.newest(TURN_S)
    count("barter_phases_told", told)
