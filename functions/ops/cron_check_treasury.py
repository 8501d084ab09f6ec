"""Every minute: have each wallet of the treasury compared with the chain, and topped up where it is low."""

from functions.ops.adapters.wallet_checks import checks
from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    wallets = [wallet for wallet in deps.treasury.wallets() if wallet.chain in deps.chains]

    deps.tasks.enqueue(checks(wallets, tick.time))

    count("treasury_alarms", sum(len(wallet.alarms) for wallet in wallets))
