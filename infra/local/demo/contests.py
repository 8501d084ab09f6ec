"""A duel of fifty wallets, from the faucet to the last lamport, while those who pay the prizes are killed.

1. The faucet funds every player. A friend's link brings some. Each pays the entry fee by a transfer of its own, which
   is verified on the chain; who gives somebody else's transfer, another amount, or one that was used, is refused.
2. All trade on moving prices, and the leaderboard is live. Two never trade, hold the same, and tie at the top.
3. The standings are a strict order; prizes are paid, another contest is cancelled and refunded, and meanwhile the
   workers that sign are killed. Then the rest is swept.
4. Every player's wallet and every contest's is compared with what was granted, paid and won, to the lamport.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from functions.contests.core.achievements import level
from infra.local.cloud import LocalCloud
from infra.local.contests.client import Desk, Refused
from infra.local.contests.players import Player
from infra.local.contests.stage import WARM, ContestsStage, open_stage
from infra.local.contests.world import World, start_world
from infra.local.demo import contests_report as report
from infra.local.demo.contests_count import Counted, broken_promises
from infra.local.demo.contests_crowd import Crowd
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.runner.chaos import Chaos
from infra.local.runner.runner import Runner
from infra.local.runner.turns import Turns
from infra.local.solana import LAMPORTS_PER_SOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a scene is. referred: came by a friend's link; kills: how often those who sign are killed."""

    players: int
    tokens: int
    referred: int
    refunds: int
    length_s: int
    kills: int


WHOLE: Final = Size(players=50, tokens=8, referred=6, refunds=20, length_s=60, kills=3)
SHORT: Final = Size(players=7, tokens=4, referred=0, refunds=2, length_s=17, kills=0)
#: A contest lasts as long as it was announced for, unless the scene ends it; it starts when everybody is in.
LEAD_S, LENGTH_S = 3_600, 60
SEED: Final = 812_576
SLOT_MS: Final = 50
#: Both fees leave a wallet of one grant what its account needs.
FEE, SMALL_FEE = LAMPORTS_PER_SOL // 50, LAMPORTS_PER_SOL // 250
GRANT: Final = 25_000_000
#: Of what nobody explains, a wallet with more would not be swept for three days.
TOO_LITTLE: Final = LAMPORTS_PER_SOL // 2_000
STAKE_MICROS: Final = 10_000_000_000
SIGNER: Final = "queue_submit_contests_transaction"
TURNS: Final = {"cron_sweep_tasks": 1.0, "cron_open_contests": 5.0, "cron_evaluate_contests": 5.0}
WITHIN_S: Final = 180.0
POSTERS: Final = 4
#: What the twins' token is multiplied by, near the end.
RISE: Final = Decimal("1.5")
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS: Final = Chaos(seed=SEED, duplicate=0.2, reorder=0.2, delay_ms=300)


def play_short(console: Console) -> None:
    """The scene of the tour: few players, and a contest that is ended early."""
    play(console, SHORT)


def play(console: Console, size: Size = WHOLE) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]contests: a duel of {size.players} wallets, from the faucet to the last lamport")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("a Solana node under two RPC endpoints, moving prices, a faucet, the deployment"):
            show = _open(stack, cloud, size)
        show.list_tokens()
        duel, other = show.announce("The duel", FEE), show.announce("Cancelled", SMALL_FEE)
        show.fund(console)
        show.refer(console)
        show.enter(console, duel, show.crowd.players)
        show.enter(console, other, show.crowd.players[-size.refunds :])
        show.attack(console, duel)
        show.trade(console, duel)
        show.pay_out(console, duel, other)
        _conclude(console, show, duel)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open(stack: ExitStack, cloud: LocalCloud, size: Size) -> "Show":
    runner = stack.enter_context(
        Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
    )
    world = start_world(cloud.children, players=size.players, seed=SEED, slot_ms=SLOT_MS, proxied=True)
    stage = open_stage(cloud, runner, world, database_url=cloud.database_url)
    stage.start()
    return begin(stack, stage, size)


def begin(stack: ExitStack, stage: ContestsStage, size: Size) -> "Show":
    """Everything that takes part in a scene over a deployment that runs."""
    world = stage.world
    desk = stack.enter_context(Desk(stage))
    counted = Counted(stage)
    stack.callback(counted.close)
    stack.enter_context(Turns(stage.stack, TURNS))
    crowd = Crowd(world.players, world.tokens(size.tokens), SEED)
    before = world.balances([world.treasury.address])[world.treasury.address]
    return Show(size=size, world=world, stage=stage, desk=desk, counted=counted, crowd=crowd, treasury_before=before)


@dataclass(slots=True, kw_only=True)
class Show:
    """Everything that takes part. spent: what each wallet has transferred itself, in lamports, by address."""

    size: Size
    world: World
    stage: ContestsStage
    desk: Desk
    counted: Counted
    crowd: Crowd
    treasury_before: int
    spent: dict[str, list[int]] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)

    def list_tokens(self) -> None:
        """List the tokens that are played with, and wait for their prices."""
        self.desk.list_tokens(self.crowd.tokens)
        mints = ",".join(token.mint for token in self.crowd.tokens)
        wait_for(
            lambda: not self.desk.admin.get("/market-data", mints=mints)["missing"] or None,
            "a price of each token",
            within_s=WITHIN_S,
        )

    def announce(self, name: str, fee_lamports: int) -> str:
        """A contest with a wallet; its id."""
        stake = str(STAKE_MICROS)
        return self.desk.announce(name, fee_lamports, lead_s=LEAD_S, length_s=LENGTH_S, stake_micros=stake)

    def contest(self, contest: str) -> Any:
        """As it is now; a visitor may look a hundred times a minute, and whoever waits looks more often."""
        return self.desk.admin.get(f"/{contest}")

    def fund(self, console: Console) -> None:
        """Every player asks the faucet."""
        players = self.crowd.players
        with _progress(console) as progress:
            bar = progress.add_task("wallets funded by the faucet", total=len(players))

            def ask(player: Player) -> None:
                self.desk.of(player).post("/faucet", {"address": player.address}, key=f"grant-{player.address}")

            self._all(players, ask)

            def funded() -> bool | None:
                count = sum(one >= GRANT for one in self.world.balances(one.address for one in players).values())
                progress.update(bar, completed=count)
                return count == len(players) or None

            wait_for(funded, "the faucet's grants", within_s=WITHIN_S)
        console.print(f"  {len(players)} wallets have {GRANT / LAMPORTS_PER_SOL:g} SOL each, granted and final")

    def refer(self, console: Console) -> None:
        """The first player's link brings some of the others."""
        if not self.size.referred:
            return
        friend = self.crowd.players[0]
        code = self.desk.of(friend).post("/referrals/codes")["code"]
        for player in self.crowd.players[2 : 2 + self.size.referred]:
            click = str(uuid4())
            self.desk.visitor.post("/referrals/clicks", {"id": click, "code": code, "source": "the-demo"})
            self.desk.of(player).post("/referrals/attributions", {"click": click})
        console.print(f"  {self.size.referred} of them came by the link of {friend.name}")

    def enter(self, console: Console, contest: str, players: Any) -> None:
        """Everybody pays by a transfer of its own, and enters with its signature."""
        told = self.contest(contest)
        pay_to, fee = told["pay_to"], int(told["fee_lamports"])
        number_of = {player.address: number for number, player in enumerate(self.crowd.players)}
        with _progress(console) as progress:
            bar = progress.add_task("entries verified on the chain", total=len(players))

            def one(player: Player) -> None:
                signature = self._pay(player, pay_to, fee)
                self.entries[player.address] = signature
                weights = self.crowd.weights_bps(number_of[player.address])
                self.desk.enter(player, contest, signature, weights)
                progress.advance(bar)

            self._all(players, one)
        told = self.contest(contest)
        pool = int(told["pool_lamports"]) / LAMPORTS_PER_SOL
        console.print(f"  {told['name']}: {told['entrants']} entries, {pool} SOL in the pool", highlight=False)

    def attack(self, console: Console, contest: str) -> None:
        """What is no entry is refused by its name."""
        thief, victim = Player.named("thief"), self.crowd.players[0]
        pay_to = self.contest(contest)["pay_to"]
        self.world.node.fund(thief.address, LAMPORTS_PER_SOL)
        weights = {self.crowd.tokens[0].mint: 10_000}
        too_little = self._pay(thief, pay_to, TOO_LITTLE)
        elsewhere = self._pay(thief, self.world.treasury.address, FEE)
        self.treasury_before += FEE
        tried = {
            "somebody else's transfer": self.entries[victim.address],
            "another amount": too_little,
            "a transfer to another wallet": elsewhere,
        }
        for words, signature in tried.items():
            try:
                self.desk.enter(thief, contest, signature, weights)
            except Refused as refused:
                console.print(f"  refused: {words}: [bold]{refused.code}[/]")
                continue
            raise SceneFailed(f"{words} was taken for an entry")
        self.spent.pop(thief.address, None)

    def trade(self, console: Console, contest: str) -> None:
        """Trade from the start to the end; the leaderboard is told with each snapshot."""
        self.stage.start_now(contest, length_s=LENGTH_S)
        wait_for(lambda: self.contest(contest)["status"] == "active" or None, "the start", within_s=WITHIN_S)
        names, shown, turn, has_risen = report.names_of(self.crowd.players), -1, 0, False
        until = time.monotonic() + self.size.length_s
        while (left_s := until - time.monotonic()) > 0 and self.contest(contest)["state"] == "active":
            self.crowd.trade(self.desk, contest, turn)
            turn += 1
            if not has_risen and left_s < self.size.length_s / 2:
                self.world.sources.move(self.crowd.twins_token.mint, RISE)
                self.stage.stack.fire("cron_market_data", datetime.now(UTC))
                has_risen = True
            board = self.desk.admin.get(f"/{contest}/leaderboard", limit=report.SHOWN)
            if board["snapshot"] is not None and board["snapshot"] > shown:
                shown = board["snapshot"]
                console.print(report.board_line(board, names, STAKE_MICROS), highlight=False)
        if self.size.length_s < LENGTH_S:
            self.stage.end_now(contest)
        console.print(f"  {self.crowd.trades} trades at the market's price")

    def pay_out(self, console: Console, duel: str, other: str) -> None:
        """Prizes of one, refunds of the other, while those who sign are killed; then the sweep."""
        self.desk.admin.post(f"/{other}/cancel", {"reason": "the demo shows refunds"})
        for number in range(1, self.size.kills + 1):
            wait_for(
                lambda: self.counted.held() > 0 or None,
                "a payment in a worker's hands",
                within_s=WITHIN_S,
                every_s=0.02,
            )
            killed = self.stage.stack.kill(SIGNER)
            console.print(f"  [bold red]{len(killed)} workers that sign are killed[/] ({number} of {self.size.kills})")
        self._until(console, "every prize is paid", lambda: self.contest(duel)["status"] == "completed")
        self._until(console, "every refund is paid", lambda: self.contest(other)["state"] in ("refunded", "swept"))
        self.stage.stack.fire("cron_rake")
        self._until(console, "the rake is swept", lambda: self.contest(duel)["state"] == "raked")
        self.stage.stack.fire("cron_referrals")
        wait_for(lambda: self.counted.is_quiet() or None, "the end of every transaction", within_s=WITHIN_S)

    def _until(self, console: Console, words: str, look: Callable[[], bool]) -> None:
        wait_for(lambda: look() or None, words, within_s=WITHIN_S)
        console.print(f"  [green]{words}[/]")

    def _pay(self, player: Player, to: str, lamports: int) -> str:
        signature = self.world.pay(player, to=to, lamports=lamports)
        self.spent.setdefault(player.address, []).append(lamports)
        return signature

    def _all(self, players: Any, act: Callable[[Player], None]) -> None:
        with ThreadPoolExecutor(POSTERS) as pool:
            list(pool.map(act, players))


def _conclude(console: Console, show: Show, duel: str) -> None:
    """The tables, after them what was promised and not seen."""
    names = report.names_of(show.crowd.players)
    results = show.desk.visitor.get(f"/{duel}/results", limit=200)
    console.print(report.results_table(results, names, STAKE_MICROS))
    console.print(report.split_line(results), highlight=False)
    with console.status("the chain is read and compared"):
        tally = show.counted.tally(show.spent, show.treasury_before)
    console.print(report.growth_table(show.counted.experience(), names, level))
    if show.size.referred:
        weeks = show.desk.of(show.crowd.players[0]).get("/referrals/weeks")["weeks"]
        console.print(report.referred_line(weeks, names[show.crowd.players[0].address]), highlight=False)
    console.print(report.achieved_line(show.counted.achieved()), highlight=False, soft_wrap=True)
    console.print(report.sent_line(tally), highlight=False)
    console.print(report.proof_table(tally))
    first_two = [one["wallet"] for one in results["results"][:2]]
    broken = broken_promises(tally)
    if first_two != [one.address for one in show.crowd.twins]:
        broken.append("the tie did not end by the bytes of the addresses")
    if broken:
        raise SceneFailed("; ".join(broken))
    console.print("The first two are worth the same to the micro-unit; the bytes of their addresses decided.")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
