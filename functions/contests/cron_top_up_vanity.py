"""Every minute: ask for as many searches as vanity addresses are missing, and give up those of which nobody tells."""

from functions.contests.wiring import KeyDeps, build_vanity_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_vanity_deps)
def handler(_: Tick, deps: KeyDeps) -> None:
    """A minute that is lost costs a minute: what is missing is counted anew."""
    count("vanity_searches", deps.vanity_pool.top_up())
