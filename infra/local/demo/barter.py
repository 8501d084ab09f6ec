"""Markets of NFTs from their deployment until everybody has left, each result checked by the contract itself.

1. groth16: 16 agents, in an exchange that is watched only once it is in Trade. Whoever computes the proof is killed
   over it; another one computes it.
2. direct: 40 agents bring tokens of three collections and say which others they would rather have. The monitor follows
   the exchange from its deployment and ends its phases; it proves the trades by a certificate and posts them.
3. No proof: the key of the third exchange's verifier is nobody's. After 250 blocks the monitor ends the wait.
4. Everybody withdraws. Each token has to be where top trading cycles puts it, or with whom brought it in the third
   market; the collections are asked, past every fault. The market is drawn.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from gpu.exchange.formats import VerificationKey
from gpu.exchange.formats_zkey import proving_key_of
from infra.local import settings
from infra.local.anvil import AnvilNode
from infra.local.barter.keys import development_key
from infra.local.barter.stage import WARM, BarterStage, open_stage
from infra.local.barter.verifier import deploy_verifier
from infra.local.barter.world import Phase, Terms, deploy, deploy_world
from infra.local.cloud import LocalCloud
from infra.local.demo import barter_report as report
from infra.local.demo.barter_desk import Desk
from infra.local.demo.barter_market import Market, random_lists
from infra.local.demo.barter_picture import draw
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.flare.accounts import ETHER
from infra.local.notifier import Disorder, EvmFollower, Notifier
from infra.local.runner.chaos import Chaos
from infra.local.runner.runner import Runner
from infra.local.runner.turns import Turns
from infra.local.webhooks import LocalWebhooks
from kernel.treasury.reconciliation import BALANCED

CHAIN_ID: Final = 31337
#: A proof has 250 blocks, in which another prover has to have made it, too, on a machine that is busy.
BLOCK_S, BLOCK_SHORT_S = 1.5, 0.25
SEED: Final = 812_576
AGENTS, PROVEN_AGENTS, LATE_AGENTS, SHORT_AGENTS = 40, 16, 6, 9
LIST_MAX: Final = 16
#: Time enough for everybody to say what it wishes, on a machine that is busy.
DEPOSIT_S, RANK_S = 6, 15
FEE_WEI: Final = ETHER // 100
PROVER: Final = "queue_poll_offload"
TURNS: Final = {"cron_follow_watches": 1.0, "cron_timeouts": 1.0, "cron_sweep_tasks": 1.0}
FOLLOW_EVERY_S: Final = 0.25
SOON_S: Final = 240.0
PICTURE: Final = settings.LOCAL / "barter/market.svg"
# SQS may deliver twice and out of order; here it does, on purpose, and webhooks come twice.
CHAOS: Final = Chaos(seed=SEED, duplicate=0.2, reorder=0.2, delay_ms=200)
DISORDER: Final = Disorder(duplicates=0.5, reach=1)


def play(console: Console) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(
        f"[bold]barter: {AGENTS} agents by a certificate, {PROVEN_AGENTS} by a proof, and a proof that is late"
    )
    key = development_key(PROVEN_AGENTS, LIST_MAX)
    with ExitStack() as stack:
        opened = _open(stack, console, ("direct", "groth16"), BLOCK_S)
        direct, groth16 = opened.shows
        verifier = deploy_verifier(opened.node, _known(key), agents=PROVEN_AGENTS, list_max=LIST_MAX)
        unknown = deploy(opened.node, "RecitingVerifier")
        markets = [
            _market(stack, opened.node, "direct", AGENTS, _terms()),
            _market(stack, opened.node, "groth16", PROVEN_AGENTS, _terms(verifier.address, PROVEN_AGENTS)),
            _market(stack, opened.node, "no proof", LATE_AGENTS, _terms(unknown.address, 24)),
        ]
        groth16.until_a_death(console, markets[1])
        # Who takes over waits for the lease of the dead; meanwhile the first market has its whole life.
        first = direct.from_the_start(console, markets[0])
        stories = [first, groth16.traded(console, markets[1]), groth16.without_a_proof(console, markets[2])]
        _conclude(console, markets, stories, [one.stage for one in opened.shows])
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def play_short(console: Console) -> None:
    """A few agents, by a certificate. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]barter: {SHORT_AGENTS} tokens change owners by a certificate that their contract checks")
    with ExitStack() as stack:
        opened = _open(stack, console, ("direct",), BLOCK_SHORT_S)
        market = _market(stack, opened.node, "direct", SHORT_AGENTS, _terms())
        story = opened.shows[0].from_trade(console, market)
        _conclude(console, [market], [story], [opened.shows[0].stage])
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A deployment at work, and who asks it."""

    stage: BarterStage
    desk: Desk

    def from_the_start(self, console: Console, market: Market) -> dict[str, Any]:
        """A market whose phases the monitor ends itself. Its story."""
        market.deposit()
        self.desk.ask("watchContract", market.address)
        _say(console, f"{len(market.lists)} tokens of three collections are deposited, and the exchange is watched")
        # Of the chain itself: who asks the monitor may hear of it when the phase is over.
        wait_for(lambda: market.is_ranking() or None, "the end of Deposit", within_s=SOON_S)
        market.rank()
        _say(console, "the monitor has ended Deposit; everybody says what it wishes")
        return self.traded(console, market)

    def from_trade(self, console: Console, market: Market) -> dict[str, Any]:
        """A market that nobody has watched until it was in Trade. Its story."""
        self._watch_in_trade(market)
        _say(console, f"{len(market.lists)} agents are in Trade; only now the exchange is watched")
        return self.traded(console, market)

    def until_a_death(self, console: Console, market: Market) -> None:
        """A market whose prover dies."""
        self._watch_in_trade(market)
        _say(console, f"{len(market.lists)} agents are in Trade; only now the exchange is watched")
        self.desk.wait_for_job(market.address, "in_progress")
        killed = wait_for(lambda: self._kill() or None, "a prover at work", within_s=SOON_S, every_s=0.05)
        _say(console, f"[bold red]{killed} prover is killed over the proof[/]; its job is {self._status(market)}")

    def without_a_proof(self, console: Console, market: Market) -> dict[str, Any]:
        """A market whose proof nobody can make: everybody gets back what it brought. Its story."""
        self._watch_in_trade(market)
        self.desk.wait_for_job(market.address, "errored")
        _say(console, f"[bold red]the third proof does not come[/]: {self._status(market)}")
        market.world.pass_time()
        market.world.node.mine()
        story = self.desk.wait_for_phase(market.address, "withdraw")
        _say(console, "[bold green]250 blocks later the monitor has ended the wait[/]")
        return self._left(market, story, list(range(len(market.lists))))

    def traded(self, console: Console, market: Market) -> dict[str, Any]:
        """A market in Trade, until everybody has left. Its story."""
        started_s = time.monotonic()
        story = self.desk.wait_for_phase(market.address, "withdraw")
        seconds = time.monotonic() - started_s
        _say(console, f"{market.title}: [bold green]proven, checked by the exchange, posted[/] in {seconds:.1f} s")
        proof, status = self.desk.answers([(name, (market.address,)) for name in ("getProof", "getProofStatus")])
        received = story["job"]["allocation"]
        if (status, received) != ("Completed", market.expected) or set(proof) != {"journal", "seal"}:
            raise SceneFailed(f"the {market.title} market's proof is {status}, of {received}")
        return self._left(market, story, received)

    def _watch_in_trade(self, market: Market) -> None:
        """Bring a market into Trade, and only then have it watched."""
        market.deposit()
        market.world.advance(Phase.RANK)
        market.rank()
        market.world.advance(Phase.TRADE)
        self.desk.ask("watchContract", market.address)

    def _left(self, market: Market, story: dict[str, Any], received: Sequence[int]) -> dict[str, Any]:
        """Everybody withdraws, the operator collects. The story with our own transactions' ends."""
        market.withdraw(received)
        if not market.is_over() or market.collect() != 0:
            raise SceneFailed(f"something is left in the {market.title} market")

        def ended() -> dict[str, Any] | None:
            found = self.desk.story(market.address)
            is_quiet = all(call["state"] != "open" for call in found["calls"])
            return found if found["watch"]["state"] == "over" and is_quiet else None

        final = wait_for(ended, "the end of the watch", within_s=SOON_S)
        market.keep_ours(final)
        return {**final, "job": final["job"] or story["job"], "misplaced": market.misplaced(received)}

    def _kill(self) -> int:
        """Kill whoever computes, while the proof is being computed."""
        return len(self.stage.stack.kill(PROVER)) if self.stage.is_computing() else 0

    def _status(self, market: Market) -> Any:
        return self.desk.ask("getProofStatus", market.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a scene stands on."""

    node: AnvilNode
    shows: Sequence[Show]


def _open(stack: ExitStack, console: Console, modes: Sequence[str], block_s: float) -> Opened:
    cloud = stack.enter_context(LocalCloud(console=console))
    with console.status("a chain under two RPC endpoints, and a monitor for each way of proving"):
        node = cloud.anvil("barter", chain_id=CHAIN_ID, block_time_s=block_s)
        runner = stack.enter_context(
            Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
        )
        with ThreadPoolExecutor(len(modes)) as pool:
            shows = list(pool.map(lambda mode: _open_one(stack, cloud, runner, node, mode), modes))
    return Opened(node=node, shows=shows)


def _open_one(stack: ExitStack, cloud: LocalCloud, runner: Runner, node: AnvilNode, mode: str) -> Show:
    """A deployment that proves in one way, at work."""
    webhooks = LocalWebhooks.new(CHAIN_ID)
    database_url = cloud.postgres.create_migrated()
    hooks = webhooks.environment(cloud.aws.put_secret)
    stage = open_stage(cloud, runner, mode, node, mode=mode, database_url=database_url, environment=hooks)
    stage.start()
    stack.enter_context(Turns(stage.stack, TURNS))
    follower = EvmFollower(node, webhooks.alchemy, start_block=node.block_number() + 1)
    stack.enter_context(
        Notifier(f"{stage.stack.gateway_url}/hooks", [follower], disorder=DISORDER, every_s=FOLLOW_EVERY_S)
    )
    return Show(stage=stage, desk=stack.enter_context(Desk(stage)))


def _market(stack: ExitStack, node: AnvilNode, title: str, agents: int, terms: Terms) -> Market:
    world = stack.enter_context(deploy_world(node, agents=agents, terms=terms, name=f"barter {title}"))
    return Market(title=title, world=world, lists=random_lists(agents, SEED + agents))


def _terms(verifier: str | None = None, agents_max: int = 256) -> Terms:
    told = {} if verifier is None else {"verifier": verifier}
    return Terms(
        agents_max=agents_max, list_max=LIST_MAX, deposit_s=DEPOSIT_S, rank_s=RANK_S, deposit_fee_wei=FEE_WEI, **told
    )


def _known(key: Path) -> VerificationKey:
    return proving_key_of(key.read_bytes()).verification


def _say(console: Console, words: str) -> None:
    console.print(f"  {words}", highlight=False, soft_wrap=True)


def _conclude(
    console: Console, markets: Sequence[Market], stories: Sequence[Mapping[str, Any]], stages: Sequence[BarterStage]
) -> None:
    """The tables and the picture, after them what was promised and not seen."""
    console.print(report.markets_table(markets, stories))
    console.print(report.gas_table(markets))
    with console.status("the treasury compares its books with the chain"):
        verdicts = [stage.verdict() for stage in stages]
    _say(console, f"the settlers' books and the chain: {', '.join(verdicts)}")
    first = markets[0]
    gas = sum(first.gas["reallocateTokens"])
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(first.graph(f"checked and enacted for {gas:,} gas")), encoding="utf-8")
    _say(console, f"the market, with its cycles: {PICTURE}")
    broken = [f"{name} is not where it should be" for story in stories for name in story["misplaced"]]
    broken += [f"the treasury says {verdict}" for verdict in verdicts if verdict != BALANCED]
    if broken:
        raise SceneFailed("; ".join(broken))
