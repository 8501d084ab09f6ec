"""Work that matters, a piece at a time and with nothing going wrong: rounds, transfers, orders, trades and so on."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from functions.bridge.core.registry import Version
from infra.local.barter.stage import open_stage as open_barter
from infra.local.barter.world import Terms
from infra.local.barter.world import deploy_world as deploy_exchange
from infra.local.bridge.deployment import start_world
from infra.local.bridge.ether_price import EtherPrice
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.stage import open_stage as open_bridge
from infra.local.bridge.target import check
from infra.local.cloud import LocalCloud
from infra.local.contests.stage import open_stage as open_contests
from infra.local.contests.world import start_world as start_contests
from infra.local.demo import barter as exchange
from infra.local.demo import bridge as demo
from infra.local.demo import contests as duel
from infra.local.demo import netting as market
from infra.local.demo.barter_desk import Desk as Monitor
from infra.local.demo.barter_market import Market, random_lists
from infra.local.demo.bridge_count import Counted
from infra.local.demo.bridge_crowd import COMPLETED, plan
from infra.local.demo.transfers_desk import Desk
from infra.local.fault_proxy import FaultProxy
from infra.local.flare.accounts import ETHER
from infra.local.flare.reading import events
from infra.local.flare.timing import Timing
from infra.local.oracle_market import open_market
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.runner.turns import Turns
from infra.local.treasury_stage import open_stage
from kernel.postgres import Postgres

ROUNDS, TRANSFERS, ORDERS, EXCHANGES = 9, 10, 10, 3
TIMING: Final = Timing(voting_epoch_s=20, reveal_deadline_s=10)
PATIENCE_S: Final = 240.0
OPEN: Final = """select 1 from kernel.evm_outbox where settled_at is null
union all select 1 from kernel.solana_outbox where settled_at is null"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A stopped deployment, the chains that it asks, and what it is made to do: how many pieces were done."""

    stack: Stack
    database_url: str = field(repr=False)
    proxies: tuple[FaultProxy, ...]
    play: Callable[[], int]


def rounds(cloud: LocalCloud, runner: Runner) -> Work:
    """Voting rounds of one provider with all the vote power."""
    market = open_market(cloud, runner, vote_power_wei=(1_000_000 * ETHER,), timing=TIMING)
    provider = market.providers[0]

    def finalised() -> int:
        return len(events(market.network, "Relay", "ProtocolMessageRelayed"))

    def play() -> int:
        market.start(provider)
        _until(lambda: finalised() >= ROUNDS)
        return finalised()

    return Work(
        stack=provider.stack, database_url=provider.database_url, proxies=_present([market.flare.proxy]), play=play
    )


def transfers(cloud: LocalCloud, runner: Runner) -> Work:
    """Transfers of the treasury on two chains, until each has its end."""
    stage = open_stage(cloud, runner)

    def play() -> int:
        stage.start()
        with Desk(stage) as desk:
            desk.open_wallets()
            for number in range(TRANSFERS):
                for market in stage.markets:
                    desk.ask(market, number)
        postgres = Postgres(stage.database_url)

        def ended() -> bool:
            with postgres.transaction() as tx:
                return not tx.all(OPEN)

        _until(ended)
        postgres.close()
        return TRANSFERS * len(stage.markets)

    proxies = _present(market.proxy for market in stage.markets)
    return Work(stack=stage.stack, database_url=stage.database_url, proxies=proxies, play=play)


def orders(ends: ExitStack, cloud: LocalCloud, runner: Runner) -> Work:
    """Orders over the registry's second generation, from their deposits to their closings."""
    version = Version.V2
    world = start_world(cloud.children, l1_block_time_s=demo.L1_BLOCK_S, l2_block_time_s=demo.L2_BLOCK_S, proxied=True)
    database_url = cloud.postgres.create_migrated()
    ends.enter_context(EtherPrice(database_url, demo.ETHER_USD))
    target = demo.target_of(world, version)
    stage = open_bridge(cloud, runner, "bridge", target, check(target), database_url=database_url, pace=demo.PACE)

    def play() -> int:
        stage.start()
        counted = Counted(world, stage)
        wishes = [one.wish for one in plan(world, 4 * ORDERS) if one.outcome == COMPLETED]
        with Relayer(world, delay_s=demo.RELAYED_AFTER_S), Turns(stage.stack, demo.TURNS):
            world.broadcast(world.signed([one for one in wishes if one.version is version][:ORDERS]))
            _until(lambda: counted.outcomes().get(COMPLETED, 0) >= ORDERS)
        completed = counted.outcomes().get(COMPLETED, 0)
        counted.close()
        return completed

    proxies = _present([world.l1.proxy, world.l2.proxy])
    return Work(stack=stage.stack, database_url=database_url, proxies=proxies, play=play)


def trades(cloud: LocalCloud, runner: Runner) -> Work:
    """Signed intents of a few wallets, from their posting to their batch's indexing."""
    size, quiet = market.SHORT, Console(quiet=True)
    stage = market.stage_of(cloud, runner, size, database_url=cloud.postgres.create_migrated())

    def play() -> int:
        stage.start()
        with ExitStack() as ends:
            show = market.begin(ends, stage, size)
            show.take_in(quiet)
            show.settle(quiet)
        return size.intents

    proxies = _present([stage.world.node.proxy])
    return Work(stack=stage.stack, database_url=stage.database_url, proxies=proxies, play=play)


def exchanges(ends: ExitStack, cloud: LocalCloud, runner: Runner) -> Work:
    """Exchanges of NFTs, watched from their deposits on until the trades are enacted, each by a certificate."""
    node = cloud.anvil("barter", chain_id=exchange.CHAIN_ID, block_time_s=exchange.BLOCK_SHORT_S)
    stage = open_barter(cloud, runner, "costs", node, mode="direct", database_url=cloud.postgres.create_migrated())
    terms = Terms(deposit_s=exchange.DEPOSIT_S, rank_s=exchange.RANK_S)
    worlds = [
        ends.enter_context(deploy_exchange(node, agents=exchange.AGENTS, terms=terms, name=f"costs {number}"))
        for number in range(EXCHANGES)
    ]

    def play() -> int:
        stage.start()
        with Monitor(stage) as desk, Turns(stage.stack, exchange.TURNS):
            for number, world in enumerate(worlds):
                market = Market(title="costs", world=world, lists=random_lists(exchange.AGENTS, number))
                desk.ask("watchContract", market.address)
                market.deposit()
                desk.wait_for_phase(market.address, "rank")
                market.rank()
                desk.wait_for_phase(market.address, "withdraw")
        return len(worlds)

    return Work(stack=stage.stack, database_url=stage.database_url, proxies=_present([node.proxy]), play=play)


def duels(cloud: LocalCloud, runner: Runner) -> Work:
    """Entries into a duel that is played to its sweep, and into a contest that is cancelled."""
    size, quiet = duel.SHORT, Console(quiet=True)
    world = start_contests(cloud.children, players=size.players, seed=duel.SEED, slot_ms=duel.SLOT_MS, proxied=True)
    stage = open_contests(cloud, runner, world, database_url=cloud.postgres.create_migrated())

    def play() -> int:
        stage.start()
        with ExitStack() as ends:
            show = duel.begin(ends, stage, size)
            show.list_tokens()
            played, cancelled = show.announce("costs", duel.FEE), show.announce("cancelled", duel.SMALL_FEE)
            show.fund(quiet)
            show.enter(quiet, played, show.crowd.players)
            show.enter(quiet, cancelled, show.crowd.players[-size.refunds :])
            show.trade(quiet, played)
            show.pay_out(quiet, played, cancelled)
        return size.players + size.refunds

    return Work(stack=stage.stack, database_url=stage.database_url, proxies=_present([world.node.proxy]), play=play)


def _present(proxies: Iterable[FaultProxy | None]) -> tuple[FaultProxy, ...]:
    return tuple(proxy for proxy in proxies if proxy is not None)


def _until(done: Callable[[], bool]) -> None:
    """Wait; what is not done in time is not counted."""
    limit = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < limit:
        time.sleep(0.5)
