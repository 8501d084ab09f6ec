"""Every minute: read what exchanges tell of their phases, ask anew for lost looks, end strangers' watches in time."""

from functions.barter.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: Well within the function's time.
TURN_S = 40.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    lapsed = deps.following.end_strangers()
    count("barter_watches_lapsed", lapsed)

    missed = deps.following.plan_missed()
    count("barter_looks_missed", missed)

    told = deps.indexing.newest(TURN_S)
    count("barter_phases_told", told)
