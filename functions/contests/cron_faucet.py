"""Every hour: look at the faucet of a test network, and take back what test wallets do not use when it stays low."""

from functions.contests.wiring import Deps, build_faucet_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_faucet_deps)
def handler(_: Tick, deps: Deps) -> None:
    """Where there is no faucet (mainnet, or none is set up) there is nothing to look at."""
    if not deps.faucet.is_open:
        return
    seen = deps.faucet.look()

    count("faucet_sweeps", deps.faucet.check(seen))
