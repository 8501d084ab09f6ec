"""`make bridge-worker`: fills the orders of one escrow with the handlers as they are deployed, until Ctrl-C.

It brings a local cloud of its own: Postgres, Redis, SQS, KMS, and the runner that calls the handlers. Only the chains
are somebody else's.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from rich.console import Console

from functions.bridge.adapters.limits import BALANCE_FLOOR
from infra.local import postgres
from infra.local.bridge.arguments import Chosen, load
from infra.local.bridge.ether_price import EtherPrice
from infra.local.bridge.stage import TURNS, WARM, open_stage
from infra.local.bridge.steps import WEI_PER_ETHER, Steps
from infra.local.bridge.target import Found, check, settled_wei
from infra.local.cloud import LocalCloud
from infra.local.demo.stage import SceneFailed
from infra.local.failures import LocalFailure
from infra.local.runner.runner import Runner
from infra.local.runner.turns import Turns
from infra.local.up import ending_on_sigterm
from kernel.evm.fees import GWEI

LOOK_EVERY_S: Final = 0.25
FINAL_EVERY_S: Final = 1.0


def main(arguments: Sequence[str]) -> int:
    """Work until Ctrl-C: 0. 1 when the target is unusable, or something died."""
    console = Console(soft_wrap=True, highlight=False)
    chosen = load(arguments)
    try:
        with ending_on_sigterm():
            found = check(chosen.target)
            _wait_until_final(console, chosen, found)
            _work(console, chosen, found)
    except (LocalFailure, SceneFailed) as failure:
        console.print(str(failure), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped")
    return 0


def _wait_until_final(console: Console, chosen: Chosen, found: Found) -> None:
    """The books begin with what is final: money that is not yet would be a difference that nobody can explain."""
    if settled_wei(chosen.target) < found.held_wei:
        console.print(
            "Waiting until L1 is final where the wallet was funded; "
            "--confirmations N takes N blocks for that, in place of what L1 itself calls final."
        )
    while settled_wei(chosen.target) < found.held_wei:
        time.sleep(FINAL_EVERY_S)


def _work(console: Console, chosen: Chosen, found: Found) -> None:
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        database_url = cloud.database_url
        if chosen.database_url is not None:
            database_url = chosen.database_url
            postgres.migrate(database_url)
        stack.enter_context(EtherPrice(database_url, chosen.ether_usd))
        with console.status("the handlers, and the books of the wallets"):
            runner = stack.enter_context(
                Runner(cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM)
            )
            stage = open_stage(cloud, runner, "bridge", chosen.target, found, database_url=database_url)
            stage.start()
        stack.enter_context(Turns(stage.stack, TURNS))
        _greet(console, chosen, found, stage.stack.gateway_url, str(stage.stack.log_path))
        steps = stack.enter_context(Steps(database_url))
        while True:
            cloud.children.check()
            for line in steps.news():
                console.print(line, markup=False)
            time.sleep(LOOK_EVERY_S)


def _greet(console: Console, chosen: Chosen, found: Found, gateway_url: str, log: str) -> None:
    target = chosen.target
    final = "what it calls final" if target.confirmations is None else f"{target.confirmations} blocks"
    kept = "a database that ends with this worker" if chosen.database_url is None else "the database given"
    console.print(f"""
[bold]The bridge works.[/] Ctrl-C stops it; a line a step of an order follows.

  registry     {target.l1.contract}   (version {target.version.value}, chain {target.l1.chain_id}; final: {final})
  escrow       {target.l2.contract}   (chain {target.l2.chain_id}, from block {target.start_block})
  signer       {target.signer}   ({found.held_wei / WEI_PER_ETHER:.6f} ETH on L1)
  repaid to    {target.account}
  ether        {chosen.ether_usd:,.2f} USD, by which an order's finality is chosen
  orders       {gateway_url}/v1/bridge/orders
  kept in      {kept}
  log          {log}
""")
    floor_wei = BALANCE_FLOOR.default * GWEI
    if found.held_wei <= floor_wei:
        console.print(
            f"The wallet holds no more than the {floor_wei / WEI_PER_ETHER} ETH that are never promised away, "
            "since they pay for claims: send it more.",
            style="yellow",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
