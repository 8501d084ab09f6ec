"""A whole reward epoch of Flare: 63 feeds, twenty providers, five rounds, and what everybody earns.

1. Two providers are deployments of the bundle, eighteen are participants that send the protocol's own bytes. A
   rehearsal shows that all take part; one of them never reveals, and is benched when the reward epoch begins.
2. Five rounds. One provider lies, one is late, one offends again while it is benched, one dies between its commit and
   its reveal. Everything that the chain holds is read by the scene itself, and every round is computed by itself.
3. The reward epoch ends. Its rewards are computed, signed and claimed.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from functions.oracle.core.feeds import Feed as CoreFeed
from infra.local.cloud import LocalCloud
from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_chain import ChainRecord
from infra.local.demo.oracle_epoch_crowd import Crowd
from infra.local.demo.oracle_epoch_passage import Passage
from infra.local.demo.oracle_epoch_prices import Prices
from infra.local.demo.oracle_epoch_progress import Live
from infra.local.demo.oracle_epoch_rounds import Rounds
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node
from infra.local.flare.timing import Timing
from infra.local.oracle_market import OracleMarket, Provider, open_market
from infra.local.runner.chaos import Chaos
from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.runner.runner import Runner
from infra.local.settings import ROOT

SHOWN_EPOCH: Final = 2
#: How long a round lasts; a busy machine needs longer ones.
EPOCH_S, EPOCH_SLOW_S = 10, 30
REHEARSAL_ROUNDS: Final = 12
OUTAGE_S: Final = 1.2
LOOK_EVERY_S: Final = 0.25
HANDLERS: Final = tuple(f"functions.oracle.{path.stem}" for path in sorted((ROOT / "functions/oracle").glob("*_*.py")))
WARM: Final = (WARM_FIRST, (*WARM_LATER, *HANDLERS))
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS: Final = Chaos(seed=812_576, duplicate=0.2, reorder=0.2, delay_ms=300)


def play(console: Console, *, epoch_s: int = EPOCH_S) -> None:
    """The whole scene, in rounds of so many seconds. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule(f"[bold]oracle: a reward epoch of {cast.ROUNDS} rounds, {cast.PROVIDERS} providers, 63 feeds")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("exchanges, chain, contracts, two deployments of the bundle, eighteen participants"):
            show = _open(stack, cloud, console, epoch_s)
        with console.status("a rehearsal: the first round in which all twenty commit"):
            show.rehearse()
        with console.status("the reward epoch is offered, everybody registers"):
            show.enter()
        show.run()
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open(stack: ExitStack, cloud: LocalCloud, console: Console, epoch_s: int) -> "Show":
    runner = stack.enter_context(
        Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
    )
    market = open_market(
        cloud,
        runner,
        vote_power_wei=cast.vote_powers_wei(),
        timing=Timing(voting_epoch_s=epoch_s, reveal_deadline_s=epoch_s // 2, reward_epoch_rounds=cast.ROUNDS),
        every_feed=True,
        deployments=cast.DEPLOYMENTS,
        services=("oracle", "ops"),
    )
    node, crowd_node = (stack.enter_context(Node(market.network.rpc_url)) for _ in range(2))
    feeds = tuple(CoreFeed(feed.id, feed.decimals) for feed in market.network.inflation_feeds)
    rounds = Rounds(ChainRecord(market.network, crowd_node), feeds)
    crowd = Crowd(rounds, Prices(market.exchanges.seed, market.network.inflation_feeds), crowd_node)
    show = Show(console=console, market=market, rounds=rounds, crowd=crowd, passage=Passage(market.network, node))
    stack.enter_context(crowd)
    market.start(*market.providers)
    return show


@dataclass(slots=True, kw_only=True)
class Show:
    """Everything that takes part. first: the first round of the reward epoch that is shown."""

    console: Console
    market: OracleMarket
    rounds: Rounds
    crowd: Crowd
    passage: Passage
    first: int = 0
    killed: list[int] = field(default_factory=list)

    @property
    def network(self) -> FlareNetwork:
        """The network it is played on."""
        return self.market.network

    @property
    def shown(self) -> range:
        """The rounds of the show."""
        return range(self.first, self.first + cast.ROUNDS)

    @property
    def victim(self) -> Provider:
        """The deployment that dies."""
        return self.market.providers[cast.VICTIM]

    def rehearse(self) -> None:
        """Wait for a round in which everybody committed: by then every container is up."""
        within_s = REHEARSAL_ROUNDS * self.network.timing.voting_epoch_s
        wait_for(self._rehearsed, "a commit of everybody in one round", within_s=within_s, every_s=LOOK_EVERY_S)

    def enter(self) -> None:
        """Offer and open the reward epoch, register everybody, and learn with which round it begins."""
        self.passage.open(SHOWN_EPOCH)
        self.passage.register(SHOWN_EPOCH, self.network.voters)
        self.first = self.crowd.first_round = self.passage.close(SHOWN_EPOCH)

    def run(self) -> None:
        """Follow the rounds to the end of the last one; kill the victim on its way."""
        with Live(self.console, self.rounds, self.shown) as live:
            self._until(live, lambda: self.network.round_at(time.time()) >= self.first)
            self.passage.open(SHOWN_EPOCH + 1)
            self.passage.register(SHOWN_EPOCH + 1, self.network.voters)
            doomed = self.first + cast.DEATH_ROUND - 1
            self._until(live, lambda: self.victim.name in live.committed(doomed))
            self._kill(live)
            self._until(live, lambda: self.network.round_at(time.time()) >= self.shown[-1])
            following = self.passage.close(SHOWN_EPOCH + 1)
            if following != self.shown.stop:
                raise SceneFailed(f"the reward epoch ends with round {following - 1}, not {self.shown[-1]}")
            self._until(live, lambda: live.is_over(self.shown[-1]))

    def _until(self, live: "Live", seen: "object") -> None:
        within_s = (cast.ROUNDS + 3) * self.network.timing.voting_epoch_s

        def look() -> bool | None:
            self._require_alive()
            live.look()
            return seen() or None  # type: ignore[operator]

        wait_for(look, "the next step of the rounds", within_s=within_s, every_s=LOOK_EVERY_S)

    def _kill(self, live: "Live") -> None:
        """An outage between commit and reveal: every process of the provider dies, and comes back with empty memory."""
        stack = self.victim.stack
        stack.pause()
        self.killed += stack.kill()
        live.say(f"[bold red]{stack.name} dies: {len(self.killed)} processes killed between commit and reveal[/]")
        time.sleep(OUTAGE_S)
        stack.resume()
        live.say(f"[bold green]{stack.name} is back; all that it needs to reveal is in Postgres, sealed[/]")

    def _rehearsed(self) -> int | None:
        self._require_alive()
        number = self.network.round_at(time.time()) - 1
        played = self.rounds.of(number)
        return number if played is not None and len(played.committed) == cast.PROVIDERS else None

    def _require_alive(self) -> None:
        if self.crowd.failure is not None:
            raise SceneFailed(f"the participants stopped: {self.crowd.failure!r}") from self.crowd.failure
