"""A whole reward epoch of Flare: 63 feeds, twenty providers, five rounds, and what everybody earns.

1. Two providers are deployments of the bundle, eighteen are participants that send the protocol's own bytes. A
   rehearsal shows that all take part; one of them never reveals, and is benched when the reward epoch begins.
2. Five rounds. One provider lies, one is late, one offends again while it is benched, one dies between its commit and
   its reveal. Everything that the chain holds is read by the scene itself, and every round is computed by itself.
3. The reward epoch ends. Its rewards are computed, signed and claimed.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, TypeVar

from rich.console import Console

from functions.oracle.core.feeds import Feed as CoreFeed
from infra.local.cloud import LocalCloud
from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_chain import ChainRecord
from infra.local.demo.oracle_epoch_claims import Claims
from infra.local.demo.oracle_epoch_crowd import Crowd
from infra.local.demo.oracle_epoch_ending import Ending, broken_rewards
from infra.local.demo.oracle_epoch_passage import Passage
from infra.local.demo.oracle_epoch_prices import Prices
from infra.local.demo.oracle_epoch_progress import Live
from infra.local.demo.oracle_epoch_rewards import rewards_of
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

T = TypeVar("T")
SHOWN_EPOCH: Final = 2
#: How long a round lasts; a busy machine needs longer ones.
EPOCH_S: Final = 12
REHEARSAL_ROUNDS: Final = 12
OUTAGE_S: Final = 1.2
LOOK_EVERY_S: Final = 0.25
KERNEL: Final = ROOT / "layers/kernel/python"
OTHER_CHAINS: Final = frozenset(("solana", "testing", "solana.py"))
SERVICES: Final = ("oracle", "ops")
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
        with Live(console, show.rounds, show.shown) as live:
            show.run(live)
        show.end(live)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open(stack: ExitStack, cloud: LocalCloud, console: Console, epoch_s: int) -> "Show":
    runner = stack.enter_context(
        Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=_warm())
    )
    market = open_market(
        cloud,
        runner,
        vote_power_wei=cast.vote_powers_wei(),
        timing=Timing(voting_epoch_s=epoch_s, reveal_deadline_s=epoch_s // 2, reward_epoch_rounds=cast.ROUNDS),
        every_feed=True,
        deployments=cast.DEPLOYMENTS,
        services=SERVICES,
        settings=_phases(epoch_s),
    )
    node, crowd_node = (stack.enter_context(Node(market.network.rpc_url)) for _ in range(2))
    feeds = tuple(CoreFeed(feed.id, feed.decimals) for feed in market.network.inflation_feeds)
    rounds = Rounds(ChainRecord(market.network, crowd_node), feeds)
    prices = Prices(market.exchanges.seed, market.network.inflation_feeds)
    crowd = Crowd(rounds, prices, crowd_node)
    passage = Passage(market.network, node)
    stack.enter_context(crowd)
    market.start(*market.providers)
    return Show(console=console, market=market, rounds=rounds, crowd=crowd, prices=prices, passage=passage)


def _warm() -> tuple[Sequence[str], Sequence[str]]:
    """What containers are forked with: vendors, and all of the bundle's own modules that they may import, so that a
    start costs no time of a round's window."""
    own = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for root, folders in ((ROOT, [f"functions/{name}" for name in SERVICES]), (KERNEL, ["kernel"]))
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        if path.stem != "__init__" and not OTHER_CHAINS & set(path.parts)
    ]
    return WARM_FIRST, (*WARM_LATER, *own)


def _phases(epoch_s: int) -> dict[str, str]:
    """When deployments sign and finalise: graces are a sixth and two ninths of an epoch, as on the live network."""
    phases = {"SIGN_OFFSET_S": 0.53, "FINALISE_OFFSET_S": 0.6, "FINALISE_GRACE_S": 0.15}
    offsets = {name: str(round(epoch_s * share, 2)) for name, share in phases.items()}
    polls = {"FINALISE_POLL_S": str(min(epoch_s / 30, 1.0))}
    return {f"COUNTERPART_ORACLE_{name}": value for name, value in (offsets | polls).items()}


@dataclass(slots=True, kw_only=True)
class Show:
    """Everything that takes part. first: the first round of the reward epoch that is shown."""

    console: Console
    market: OracleMarket
    rounds: Rounds
    crowd: Crowd
    prices: Prices
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
        self._register(SHOWN_EPOCH, lambda: None)
        self.first = self.crowd.first_round = self.passage.close(SHOWN_EPOCH)

    def run(self, live: Live) -> None:
        """Follow the rounds to the end of the last one; kill the victim on its way."""
        self._until(live, lambda: self._now >= self.first, "the first round")
        self._register(SHOWN_EPOCH + 1, live.look)
        doomed = self.first + cast.DEATH_ROUND - 1
        self._until(live, lambda: self.victim.name in live.committed(doomed), f"the commit of {self.victim.name}")
        self._kill(live)
        self._until(live, lambda: self._now >= self.shown[-1], "the last round")
        following = self.passage.close(SHOWN_EPOCH + 1)
        if following != self.shown.stop:
            raise SceneFailed(f"the reward epoch ends with round {following - 1}, not {self.shown[-1]}")
        self._until(live, lambda: live.is_over(self.shown[-1]), "the end of the last round")

    def end(self, live: Live) -> None:
        """Judge the rounds; let everybody sign and claim the rewards; tell and draw all of it."""
        ending = Ending(
            console=self.console,
            market=self.market,
            rounds=self.rounds,
            live=live,
            prices=self.prices,
            shown=self.shown,
        )
        shown = ending.judge()
        with self.console.status("every value is proven on the chain"):
            proven = ending.prove(shown)
        with self.console.status("a secure random number after the reward epoch; then the rewards are signed"):
            claims = self._agreed(live)
        with self.console.status("everybody claims"):
            refused = self._claimed(live, claims)
        ending.tell(ending.story(shown, claims), proven)
        if broken := broken_rewards(claims, [provider.name for provider in self.market.providers], refused):
            raise SceneFailed("; ".join(broken))

    @property
    def _now(self) -> int:
        return self.network.round_at(time.time())

    def _register(self, reward_epoch: int, look: Callable[[], object]) -> None:
        """The participants register by themselves, the deployments by their handlers."""
        deployed, others = self.network.voters[: cast.DEPLOYMENTS], self.network.voters[cast.DEPLOYMENTS :]
        self.passage.open(reward_epoch)
        self._plan_rewards()
        self.passage.register(reward_epoch, others)
        self.passage.wait_for_voters(reward_epoch, deployed, look)

    def _plan_rewards(self) -> None:
        """Fire the deployments' schedule rather than wait for the minute."""
        for provider in self.market.providers:
            fired = provider.stack.fire("cron_plan_rewards")
            if not fired.ok:
                raise SceneFailed(f"{provider.name}: {fired.error_type}: {fired.error}; see {provider.stack.log_path}")

    def _agreed(self, live: Live) -> Claims:
        """The deployments sign what they have computed, then as many participants as it takes."""
        rewards = self._wait(
            live, lambda: rewards_of(self.rounds, SHOWN_EPOCH, self.shown), "a secure random number after it"
        )
        roll = self.rounds.roll_of(self.first)
        claims = Claims(self.network, self.passage.sender, roll, rewards, SHOWN_EPOCH)
        self._plan_rewards()
        ours = {provider.name for provider in self.market.providers}
        self._until(live, lambda: ours <= claims.signed().keys(), "the deployments' signatures of the rewards")
        claims.sign(self.network.voters[cast.DEPLOYMENTS :])
        return claims

    def _claimed(self, live: Live, claims: Claims) -> bool:
        """Everybody claims what is its own; whether a second claim is refused."""
        others = self.network.voters[cast.DEPLOYMENTS :]
        claims.claim(others)
        self._until(live, lambda: claims.paid().keys() >= claims.own().keys(), "the deployments' claims")
        return claims.is_refused_twice(others[0])

    def _until(self, live: Live, seen: Callable[[], bool], what: str) -> None:
        self._wait(live, lambda: seen() or None, what)

    def _wait(self, live: Live, seen: Callable[[], T | None], what: str) -> T:
        """What is seen, once it is; the rounds are drawn meanwhile."""
        within_s = (cast.ROUNDS + 3) * self.network.timing.voting_epoch_s

        def look() -> T | None:
            self._require_alive()
            live.look()
            return seen()

        return wait_for(look, what, within_s=within_s, every_s=LOOK_EVERY_S)

    def _kill(self, live: Live) -> None:
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
