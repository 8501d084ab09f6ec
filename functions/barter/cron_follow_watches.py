"""Every minute: read what exchanges tell of their phases, ask anew for looks that nobody has taken, end what stands."""

from functions.barter.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: Well within the function's time.
TURN_S = 40.0


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    still = deps.following.end_still()
    count("barter_watches_lapsed", still)

    missed = deps.following.plan_missed()
    count("barter_looks_missed", missed)

    told = deps.indexing.newest(TURN_S)
    count("barter_phases_told", told)
