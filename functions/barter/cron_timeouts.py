"""Every minute: look at the exchanges whose proof has had all its 250 blocks, and say how many proofs need a person."""

from functions.barter.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    count("barter_alarms", deps.following.needing_people())

    late = deps.following.plan_late()

    count("barter_proofs_late", late)
