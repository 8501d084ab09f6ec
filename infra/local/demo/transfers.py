"""Transfers of the treasury on two chains at once, while workers and RPC endpoints die; then the reconciliation.

1. Every transfer is asked for over HTTP, some of them twice, and recorded with its postings in one transaction.
2. While they run, all workers of both chains are killed, three times, and one of each chain's two RPC endpoints goes
   dark for a while. What a dead worker held is passed on when its lease is over; what has to be signed a second time
   waits until both endpoints can say that the first can never land.
3. When every transfer has its end, each recipient must hold its amount once, the sender must have paid exactly that and
   the fees, and the books must say the same: in the treasury's own check, by a quorum of endpoints, and here, past all.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.cloud import LocalCloud
from infra.local.demo import transfers_report as report
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.demo.transfers_count import Counter, Reached, Tally, broken_promises
from infra.local.demo.transfers_desk import Desk
from infra.local.runner.chaos import Chaos
from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.treasury_stage import TreasuryStage, open_stage

TRANSFERS: Final = 50
TRANSFERS_SHORT: Final = 10
ASKERS: Final = 6
KILLS: Final = 3
KILL_EVERY_S: Final = 0.5
DARK_S: Final = 20
SWEEP_EVERY_S: Final = 1.0
LOOK_EVERY_S: Final = 0.25
SETTLED_WITHIN_S: Final = 120
WORKERS: Final = ("queue_submit_evm_transaction", "queue_submit_solana_transaction")
VENDORS = ("solders.keypair", "solders.transaction", "kernel.outbox.evm", "kernel.outbox.solana")
HANDLERS = tuple(f"functions.ops.{name}" for name in ("http_treasury", "queue_check_wallet", *WORKERS))
WARM = (WARM_FIRST, (*WARM_LATER[:-1], *VENDORS, *HANDLERS))
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS = Chaos(seed=812_576, duplicate=0.2, reorder=0.2, delay_ms=300)


def play(console: Console, transfers: int = TRANSFERS) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]outbox: {transfers} transfers on each of two chains")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("two chains, each under two RPC endpoints, and the treasury"):
            runner = stack.enter_context(
                Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
            )
            stage = open_stage(cloud, runner)
            stage.start()
            desk = stack.enter_context(Desk(stage))
            desk.open_wallets()
            counter = stack.enter_context(Counter(stage, transfers))
        _suffer(console, stage, desk, counter)
        with console.status("the treasury compares its books with the chains"):
            verdicts = desk.verdicts()
            tallies = [
                counter.tally(market, ledger=desk.balance(market), verdict=verdicts[market.chain])
                for market in stage.markets
            ]
        _conclude(console, tallies)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _suffer(console: Console, stage: TreasuryStage, desk: Desk, counter: Counter) -> None:
    """Ask for everything, kill meanwhile, and wait until every transfer has its end; then the endpoints come back."""
    jobs = [(market, number) for number in range(counter.transfers) for market in stage.markets]
    with _bars(console, stage, counter) as bars, ThreadPoolExecutor(ASKERS) as pool:
        asking = [pool.submit(desk.ask, market, number) for market, number in jobs]
        wait_for(lambda: counter.has_begun() or None, "a first signature", within_s=30, every_s=0.05)
        for market in stage.markets:
            market.proxy["primary"].inject(outage=True)
        dark = Darkness(stage, bars)
        _kill(stage.stack, counter, bars)
        for one in asking:
            one.result()
        bars.say(f"all are asked for; {counter.held()} tasks are held, the dead's until their leases end")
        bars.follow(stage.stack, dark.end_in_time)
        dark.end()
    console.print("[bold green]  every transfer has its end[/]")


class Darkness:
    """The outage of the first endpoints, from now on until it is over."""

    def __init__(self, stage: TreasuryStage, bars: "Bars") -> None:
        self._stage, self._bars = stage, bars
        self._until_s, self._is_over = time.monotonic() + DARK_S, False
        bars.say("[bold red]the first RPC endpoint of each chain goes dark[/]")

    def end_in_time(self) -> None:
        """Let the endpoints come back once their time is over."""
        if time.monotonic() >= self._until_s:
            self.end()

    def end(self) -> None:
        """Let them come back now, if they have not yet."""
        if not self._is_over:
            self._is_over = True
            for market in self._stage.markets:
                market.proxy.heal()
            self._bars.say("[bold green]the dark endpoints come back[/]")


def _kill(stack: Stack, counter: Counter, bars: "Bars") -> None:
    """Kill every worker of both chains, each time with a task in somebody's hands."""
    orphans = 0
    for number in range(1, KILLS + 1):
        wait_for(partial(_is_held, counter, orphans), "a task in a worker's hands", within_s=30, every_s=0.02)
        killed = [pid for worker in WORKERS for pid in stack.kill(worker)]
        orphans = counter.held()
        bars.say(f"[bold red]{len(killed)} workers are killed[/] ({number} of {KILLS})")
        time.sleep(KILL_EVERY_S)


def _is_held(counter: Counter, orphans: int) -> bool | None:
    return counter.held() > orphans or None


class Bars:
    """A bar a chain, and lines about what happens."""

    def __init__(self, progress: Progress, counter: Counter, stage: TreasuryStage) -> None:
        self._progress, self._counter = progress, counter
        self._bars = {
            market.chain: progress.add_task(f"{market.name} confirmed", total=counter.transfers)
            for market in stage.markets
        }

    def say(self, words: str) -> None:
        """A line, beside how far the chains are."""
        done = self.look()
        counts = " + ".join(str(one.recorded) for one in done.values())
        self._progress.console.print(f"  {words}  [dim]({counts} recorded)[/]", highlight=False)

    def look(self) -> dict[str, Reached]:
        """Move the bars to where the chains are."""
        done = self._counter.progress()
        for chain, bar in self._bars.items():
            self._progress.update(bar, completed=done[chain].confirmed)
        return done

    def follow(self, stack: Stack, meanwhile: Callable[[], None]) -> None:
        """Until every transfer has its end. The sweeper, which comes once a minute, comes more often here."""
        swept_s = 0.0

        def settled() -> bool | None:
            nonlocal swept_s
            meanwhile()
            self.look()
            if time.monotonic() - swept_s > SWEEP_EVERY_S:
                swept_s = time.monotonic()
                stack.fire("cron_sweep_tasks")
            return self._counter.is_settled() or None

        wait_for(settled, "the end of every transfer", within_s=SETTLED_WITHIN_S, every_s=LOOK_EVERY_S)


@contextmanager
def _bars(console: Console, stage: TreasuryStage, counter: Counter) -> Iterator[Bars]:
    columns = (TextColumn("  {task.description:17}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield Bars(progress, counter, stage)


def _conclude(console: Console, tallies: Sequence[Tally]) -> None:
    """The tables, after them what was promised and not seen."""
    console.print(report.counts_table(tallies))
    console.print(report.reconciliation_table(tallies))
    broken = [sentence for tally in tallies for sentence in broken_promises(tally)]
    if not sum(tally.orphaned for tally in tallies):
        broken.append("no worker died with a task in its hands")
    if broken:
        raise SceneFailed("; ".join(broken))
