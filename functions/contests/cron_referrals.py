"""Every five minutes: count new conversions into their weeks, and reward the tiers that these reach."""

from functions.contests.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(_: Tick, deps: Deps) -> None:
    while deps.referrals.count():
        pass
