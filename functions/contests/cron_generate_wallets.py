"""Every five minutes: make the wallets that contests will need, and those of the test network."""

from functions.contests.wiring import KeyDeps, build_wallets_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_wallets_deps)
def handler(_: Tick, deps: KeyDeps) -> None:
    made = deps.wallets.stock_up(free=deps.settings.wallets_free, test=deps.settings.test_wallets_wanted)

    count("wallets_made", len(made))
