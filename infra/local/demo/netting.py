"""Intents of a hundred wallets, netted and settled on Solana while workers die; then everything is compared.

1. Wallets with funds, items in escrow and session keys stand ready in the program. Each posts its intents over HTTP:
   honest trades, rings, second sales, purchases beyond its means, and attacks, which must be refused by name.
2. One batch nets all that were taken. Its settlements go out one after the other; meanwhile the workers that send them
   are killed, each time with a transaction in somebody's hands.
3. Ownership and funds are read from the program, past every fault, and compared with a slow telling of the rule by
   somebody else, with the tables and with the books, to the lamport. The cash graph is drawn before and after.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local import settings
from infra.local.cloud import LocalCloud
from infra.local.demo import netting_report as report
from infra.local.demo.netting_count import Counted, broken_promises
from infra.local.demo.netting_crowd import Crowd, Planned, circles, funds
from infra.local.demo.netting_desk import Desk
from infra.local.demo.netting_picture import CashGraph, draw
from infra.local.demo.netting_slow import Expected, expect
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.netting.deployment import start_world
from infra.local.netting.stage import WARM, NettingStage, open_stage
from infra.local.netting.world import World
from infra.local.runner.chaos import Chaos
from infra.local.runner.runner import Runner
from infra.local.runner.turns import Turns
from infra.local.solana import LAMPORTS_PER_SOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a scene is. kills: how often the workers that send are killed."""

    intents: int
    wallets: int
    items: int
    fee_bps: int
    kills: int


WHOLE: Final = Size(intents=2_000, wallets=100, items=240, fee_bps=0, kills=2)
SHORT: Final = Size(intents=100, wallets=5, items=5, fee_bps=30, kills=0)
SEED: Final = 812_576
SLOT_MS: Final = 50
#: Some of the first circle's items have creators, who are paid with each sale.
ROYALTY_BPS, ROYAL_WALLETS, ROYAL_EVERY = 250, 24, 6
WORKER: Final = "queue_submit_settlement"
TURNS: Final = {"cron_poll_program": 1.0, "cron_sweep_tasks": 1.0}
NETTINGS_EVERY_S: Final = 30
SETTLED_WITHIN_S: Final = 300.0
LOOK_EVERY_S: Final = 0.25
PICTURE: Final = settings.LOCAL / "netting/cash.svg"
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS: Final = Chaos(seed=SEED, duplicate=0.2, reorder=0.2, delay_ms=300)


def play(console: Console, size: Size = WHOLE) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]netting: {size.intents:,} intents of {size.wallets} wallets, settled on Solana")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("the program on a node under two RPC endpoints, wallets, items, session keys"):
            show = _open(stack, cloud, size)
        locked_sol = sum(show.opening.values()) / LAMPORTS_PER_SOL
        console.print(
            f"{len(show.world.pieces)} items in escrow, {locked_sol:,.0f} SOL locked. "
            "Promised: one batch, each item where the rule says, and every lamport."
        )
        planned = show.take_in(console)
        show.settle(console)
        _conclude(console, show, planned)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open(stack: ExitStack, cloud: LocalCloud, size: Size) -> "Show":
    runner = stack.enter_context(
        Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
    )
    stage = stage_of(cloud, runner, size, database_url=cloud.database_url)
    stage.start()
    return begin(stack, stage, size)


def stage_of(cloud: LocalCloud, runner: Runner, size: Size, *, database_url: str) -> NettingStage:
    """A world of that size, and a stopped deployment over it."""
    world = start_world(
        cloud.children,
        wallets=size.wallets,
        items=size.items,
        funds=funds,
        royalties=partial(_royalty_bps, size),
        slot_ms=SLOT_MS,
        proxied=True,
    )
    return open_stage(cloud, runner, world, database_url=database_url, fee_bps=size.fee_bps)


def _royalty_bps(size: Size, number: int) -> int:
    is_royal = (number - 1) % size.wallets < ROYAL_WALLETS and number % ROYAL_EVERY == 1
    return ROYALTY_BPS if is_royal else 0


def begin(stack: ExitStack, stage: NettingStage, size: Size) -> "Show":
    """Everything that takes part in a scene over a deployment that runs."""
    desk = stack.enter_context(Desk(stage.stack.gateway_url, stage.admin_key))
    counted = Counted(stage)
    stack.callback(counted.close)
    stack.enter_context(Turns(stage.stack, TURNS))
    return Show(size=size, world=stage.world, stage=stage, desk=desk, counted=counted, opening=stage.world.locked())


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Everything that takes part. opening: wallets' funds at first, in lamports."""

    size: Size
    world: World
    stage: NettingStage
    desk: Desk
    counted: Counted
    opening: dict[str, int]

    def take_in(self, console: Console) -> Sequence[Planned]:
        """The traders sign and post; every attack must be refused by its name."""
        crowd = Crowd(self.world, seed=SEED, started_ms=int(time.time() * 1_000) - self.size.intents)
        planned = crowd.plan(self.size.intents)
        # A batch waits until all of them are in, so that one pass decides about all.
        self.stage.tune("netting.batch_least", sum(one.refusal is None for one in planned))
        self.stage.tune("netting.longest_wait_s", 3_600)
        started_s = time.monotonic()
        with _progress(console) as progress:
            bar = progress.add_task("intents answered", total=len(planned))
            self.desk.post(planned, lambda count: progress.advance(bar, count))
        console.print(f"  all are answered in {time.monotonic() - started_s:.1f} s")
        console.print(report.intake_table(planned, self.desk.answers))
        return planned

    def settle(self, console: Console) -> None:
        """Net, and wait until everything that was settled is indexed; kill on the way."""
        due = datetime.fromtimestamp(time.time() // NETTINGS_EVERY_S * NETTINGS_EVERY_S, UTC)
        self.stage.stack.fire("cron_plan_batches", due - timedelta(seconds=NETTINGS_EVERY_S))
        wait_for(lambda: self.counted.settlements() or None, "a batch", within_s=SETTLED_WITHIN_S)
        console.print(f"  one batch, {self.counted.settlements().total()} settlements")
        with _progress(console) as progress:
            bar = progress.add_task("settlements indexed", total=self.counted.settlements().total())

            def over() -> bool | None:
                states = self.counted.settlements()
                progress.update(bar, completed=states["indexed"])
                return (states["indexed"] == states.total() and self.counted.is_quiet()) or None

            for number in range(1, self.size.kills + 1):
                self._kill(progress, number)
            wait_for(over, "the end of every settlement", within_s=SETTLED_WITHIN_S, every_s=LOOK_EVERY_S)
        console.print("  [bold green]every settlement is final, and indexed[/]")

    def expected(self, planned: Sequence[Planned]) -> Expected:
        """What the rule says, told by somebody else."""
        taken = [one.intent for one in planned if one.refusal is None]
        fee_wallet = self.world.fee_wallet.address
        return expect(taken, self.world.pieces, self.opening, fee_bps=self.size.fee_bps, fee_wallet=fee_wallet)

    def graph(self, planned: Sequence[Planned], expected: Expected, transactions: int) -> CashGraph:
        """The cash graph: of the trades as they were signed, and of what the chain says now."""
        trades: Counter[tuple[str, str]] = Counter()
        for one in planned:
            if one.intent.id in expected.accepted:
                trades[one.intent.buyer.address, one.intent.seller.address] += one.intent.amount_lamports
        now = self.world.locked("finalized")
        deltas = {wallet: now[wallet] - before for wallet, before in self.opening.items() if now[wallet] != before}
        groups = [[wallet.address for wallet in circle] for circle in circles(self.world.wallets)]
        seated = {wallet for group in groups for wallet in group}
        return CashGraph(
            trades=trades,
            deltas=deltas,
            groups=[*groups, [wallet for wallet in self.opening if wallet not in seated]],
            transfers=len(expected.accepted),
            transactions=transactions,
            traded_lamports=expected.traded_lamports,
            moved_lamports=sum(delta for delta in deltas.values() if delta > 0),
        )

    def _kill(self, progress: Progress, number: int) -> None:
        """Kill who sends, with a transaction in somebody's hands."""
        wait_for(self._is_held, "a transaction in a worker's hands", within_s=SETTLED_WITHIN_S, every_s=0.02)
        killed = self.stage.stack.kill(WORKER)
        progress.console.print(f"  [bold red]{len(killed)} workers are killed[/] ({number} of {self.size.kills})")

    def _is_held(self) -> bool | None:
        return self.counted.held() > 0 or None


def _conclude(console: Console, show: Show, planned: Sequence[Planned]) -> None:
    """The picture and the tables, after them what was promised and not seen."""
    with console.status("the chain is read and compared"):
        expected = show.expected(planned)
        tally = show.counted.tally(expected)
        picture = _kept(draw(show.graph(planned, expected, tally.sent)))
    console.print(report.fates_line(tally), highlight=False)
    console.print(report.saving_table(tally))
    console.print(report.sent_line(tally), highlight=False)
    console.print(report.proof_table(tally))
    console.print(f"The cash graph before and after: {picture}", soft_wrap=True)
    wrong = [f"{count} {words}" for words, count in show.desk.wrongly_answered(planned).items()]
    broken = [*wrong, *broken_promises(tally)]
    if broken:
        raise SceneFailed("; ".join(broken))


def _kept(picture: str) -> Path:
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture, encoding="utf-8")
    return PICTURE.relative_to(settings.ROOT)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
