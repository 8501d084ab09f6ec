"""Orders of twenty users over both generations of the registry, while chains, endpoints and workers fail.

1. Each generation is served by a deployment of its own, with its own database and its own market maker. Users lock
   orders on the L2; some of them earn us nothing, are too large, or pay somebody who takes no payment.
2. The L2 drops its newest blocks and with them deposits. Their transactions come again, in another order and so under
   other ids; one user has changed his mind. An endpoint of L1 goes dark: nothing is paid by the word of one alone. The
   workers that send transactions are killed, each time with a task in somebody's hands.
3. When every order has its end, each recipient must hold its amount once, and the profit that the books tell must be
   what both wallets gained on the chains, to the wei.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from rich.console import Console

from functions.bridge.adapters.limits import TUNABLES
from functions.bridge.core.registry import Version
from infra.local.bridge.deployment import start_world
from infra.local.bridge.ether_price import EtherPrice
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.stage import WARM, BridgeStage, Pace, open_stage
from infra.local.bridge.target import Side, Target, check
from infra.local.bridge.world import World
from infra.local.cloud import LocalCloud
from infra.local.demo import bridge_report as report
from infra.local.demo.bridge_count import Counted, broken_promises
from infra.local.demo.bridge_crowd import COMPLETED, Crowd, plan
from infra.local.demo.bridge_watch import Watch
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.runner.chaos import Chaos
from infra.local.runner.runner import Runner
from infra.local.runner.turns import Turns
from kernel.postgres import Postgres
from kernel.tunables import Tunables

ORDERS: Final = 100
ORDERS_SHORT: Final = 12
WAVE: Final = 10
WAVE_EVERY_S: Final = 0.5
#: After so many of the orders; the short form has the reorganisation only.
REORG_AFTER, DARK_AFTER = 0.4, 0.7
REORG_BLOCKS: Final = 3
DARK_S: Final = 6.0
KILLS: Final = 2
KILL_EVERY_S: Final = 1.0
WORKER: Final = "queue_submit_l1_transaction"
L1_BLOCK_S, L2_BLOCK_S = 0.5, 0.25
CONFIRMATIONS, L2_CONFIRMATIONS = 2, 5
RELAYED_AFTER_S: Final = 0.5
ETHER_USD: Final = 2_500.0
PACE: Final = Pace(claim_every_s=2, close_every_s=1.0, poll_s=0.5)
TURNS: Final = {
    "cron_index_orders": 0.3,
    "cron_accepted_orders": 5.0,
    "cron_retry_failed": 3.0,
    "cron_sweep_tasks": 1.0,
}
OVER_WITHIN_S: Final = 300.0
LOOK_EVERY_S: Final = 0.25
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS: Final = Chaos(seed=812_576, duplicate=0.2, reorder=0.2, delay_ms=300)


def play(console: Console, orders: int = ORDERS) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]bridge: {orders} orders over both generations of the registry")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("two chains with registries and escrows, a relayer, and a deployment for each generation"):
            show = _open(stack, cloud, orders)
        show.play(console)
        show.wait(console)
        _conclude(console, show)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open(stack: ExitStack, cloud: LocalCloud, orders: int) -> "Show":
    world = start_world(cloud.children, l1_block_time_s=L1_BLOCK_S, l2_block_time_s=L2_BLOCK_S, proxied=True)
    runner = stack.enter_context(
        Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
    )
    with ThreadPoolExecutor(len(Version)) as pool:
        counted = list(pool.map(lambda version: _open_one(stack, cloud, runner, world, version), Version))
    stack.enter_context(Relayer(world, delay_s=RELAYED_AFTER_S))
    watch = stack.enter_context(Watch(world))
    return Show(world=world, counted=counted, crowd=Crowd(world, plan(world, orders)), watch=watch)


def _open_one(stack: ExitStack, cloud: LocalCloud, runner: Runner, world: World, version: Version) -> Counted:
    """A deployment for one generation, at work."""
    database_url = cloud.postgres.create_migrated()
    stack.enter_context(EtherPrice(database_url, ETHER_USD))
    target = target_of(world, version)
    name = f"bridge-v{version.value}"
    stage = open_stage(cloud, runner, name, target, check(target), database_url=database_url, pace=PACE)
    stage.start()
    _lose_patience(stage)
    counted = Counted(world, stage)
    stack.callback(counted.close)
    stack.enter_context(Turns(stage.stack, TURNS))
    return counted


def target_of(world: World, version: Version) -> Target:
    """One generation of a world, each chain under its RPC identities."""
    one = world.generations[version]
    return Target(
        l1=Side(name="L1", urls=world.l1.proxy_urls, chain_id=world.l1.chain_id, contract=one.registry.address),
        l2=Side(name="L2", urls=world.l2.proxy_urls, chain_id=world.l2.chain_id, contract=one.escrow.address),
        version=version,
        private_key=one.market_maker.private_key,
        confirmations=CONFIRMATIONS,
        l2_confirmations=L2_CONFIRMATIONS,
    )


def _lose_patience(stage: BridgeStage) -> None:
    """An operator's act: orders whose fee is too low are dropped at once, not looked at again for hours."""
    postgres = Postgres(stage.database_url, role="counterpart_ops")
    Tunables(postgres, TUNABLES).set("bridge.patience_s", 0, actor="demo", reason="the demo is short")
    postgres.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Everything that takes part."""

    world: World
    counted: Sequence[Counted]
    crowd: Crowd
    watch: Watch

    def play(self, console: Console) -> None:
        """Users lock orders, wave by wave, and in between things go wrong."""
        orders = len(self.crowd.planned)
        wave, is_whole = min(WAVE, orders // 2), orders >= ORDERS
        for first in range(0, orders, wave):
            sent = min(first + wave, orders)
            self.crowd.lock(range(first, sent))
            self._say(console, f"{sent} orders are sent")
            if first < REORG_AFTER * orders <= sent:
                self._reorganise(console, range(first, sent))
            if is_whole and first < DARK_AFTER * orders <= sent:
                self._darken(console)
            time.sleep(WAVE_EVERY_S)
        if is_whole:
            self._kill(console)

    def wait(self, console: Console) -> None:
        """Until every order has its end."""

        def over() -> bool | None:
            status.update(self._reached())
            return all(one.is_over() for one in self.counted) or None

        with console.status(self._reached()) as status:
            wait_for(over, "the end of every order", within_s=OVER_WITHIN_S, every_s=LOOK_EVERY_S)
        self._say(console, "[bold green]every order has its end[/]")

    def _reorganise(self, console: Console, numbers: Sequence[int]) -> None:
        """Drop the blocks of these orders, once the bridge may have seen them."""
        wait_for(
            lambda: self.crowd.are_under(numbers, REORG_BLOCKS - 1) or None,
            "a block of the L2",
            within_s=OVER_WITHIN_S,
            every_s=0.02,
        )
        self.world.l2.rpc("anvil_reorg", REORG_BLOCKS, [])
        gone = self.crowd.forgotten()
        self._say(console, f"[bold red]the L2 drops {REORG_BLOCKS} blocks and {len(gone)} deposits[/]")
        if gone:
            self.crowd.change_mind(gone[-1])
            self.crowd.lock_again(gone[:-1])
            self._say(console, f"{len(gone) - 1} of them are sent again; one user has changed his mind")

    def _darken(self, console: Console) -> None:
        assert self.world.l1.proxy is not None
        wait_for(lambda: self.watch.paid or None, "the first payment", within_s=OVER_WITHIN_S)
        self._say(console, "[bold red]one of the two RPC endpoints of L1 goes dark[/]")
        with self.world.l1.proxy["primary"].injected(outage=True):
            time.sleep(DARK_S)
        self._say(console, "[bold green]the dark endpoint comes back[/]")

    def _kill(self, console: Console) -> None:
        """Kill who sends transactions, each time with a task in somebody's hands."""
        orphans = 0
        for number in range(1, KILLS + 1):
            wait_for(
                partial(self._is_held, orphans), "a task in a worker's hands", within_s=OVER_WITHIN_S, every_s=0.02
            )
            killed = [pid for one in self.counted for pid in one.stage.stack.kill(WORKER)]
            orphans = self._held()
            self._say(console, f"[bold red]{len(killed)} workers are killed[/] ({number} of {KILLS})")
            time.sleep(KILL_EVERY_S)

    def _is_held(self, orphans: int) -> bool | None:
        return self._held() > orphans or None

    def _held(self) -> int:
        return sum(one.held() for one in self.counted)

    def _reached(self) -> str:
        done = sum(one.outcomes().get(COMPLETED, 0) for one in self.counted)
        return f"{len(self.watch.paid)} paid, {done} completed"

    def _say(self, console: Console, words: str) -> None:
        console.print(f"  {words}  [dim]({self._reached()})[/]", highlight=False)


def _conclude(console: Console, show: Show) -> None:
    """The tables, after them what was promised and not seen."""
    with console.status("the treasury compares its books with the chains"):
        tallies = [one.tally(show.crowd.planned.values()) for one in show.counted]
    console.print(report.outcomes_table(tallies))
    console.print(report.profit_table(tallies))
    console.print(report.latency_line(show.watch.latencies()))
    console.print(report.profit_line(tallies))
    broken = [sentence for tally in tallies for sentence in broken_promises(tally)]
    if broken:
        raise SceneFailed("; ".join(broken))
