"""The exchange of `make up`: a chain and a monitor of its own; with SEED=1 markets follow each other."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Self

import httpx

from infra.local.anvil import RpcRefused
from infra.local.barter.stage import BarterStage, open_stage
from infra.local.barter.world import BarterWorld, Phase, Terms, deploy_world
from infra.local.cloud import LocalCloud
from infra.local.demo.barter_desk import Desk
from infra.local.demo.barter_market import Market, random_lists
from infra.local.demo.stage import SceneFailed
from infra.local.failures import LocalFailure
from infra.local.flare.transactions import TransactionReverted
from infra.local.notifier import EvmFollower, Notifier
from infra.local.runner.runner import Runner
from infra.local.webhooks import LocalWebhooks

CHAIN_ID: Final = 31_338
BLOCK_S: Final = 1.0
AGENTS: Final = 12
#: Of the exchange that waits for whoever comes, and of those that follow each other.
DAY_S, SHORT_S = 86_400, 30
LOOK_EVERY_S: Final = 1.0
#: In what whoever is not done ten seconds after the end fails, when node and gateway go under him.
GONE: Final = (LocalFailure, SceneFailed, RpcRefused, TransactionReverted, httpx.HTTPError)


class Resident:
    """A context manager: the monitor runs, and soon watches an exchange. moves: whether markets follow each other."""

    def __init__(self, cloud: LocalCloud, runner: Runner, *, moves: bool) -> None:
        self._cloud, self._runner, self._moves = cloud, runner, moves
        self._open, self._closed = ExitStack(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="barter-markets", daemon=True)
        self._number = 0

    stage: BarterStage
    world: BarterWorld
    _desk: Desk

    def __enter__(self) -> Self:
        webhooks = LocalWebhooks.new(CHAIN_ID)
        node = self._cloud.anvil("barter", chain_id=CHAIN_ID, block_time_s=BLOCK_S)
        self.stage = open_stage(
            self._cloud,
            self._runner,
            "up",
            node,
            mode="auto",
            database_url=self._cloud.postgres.create_migrated(),
            environment=webhooks.environment(self._cloud.aws.put_secret),
        )
        self.stage.stack.start()
        self._desk = self._open.enter_context(Desk(self.stage))
        follower = EvmFollower(node, webhooks.alchemy, start_block=node.block_number() + 1)
        self._open.enter_context(Notifier(f"{self.stage.stack.gateway_url}/hooks", [follower]))
        self.world = self._deploy(SHORT_S if self._moves else DAY_S)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(10.0)
        self._open.close()

    def lines(self) -> Iterator[str]:
        """Where everything is."""
        node = self.stage.node
        yield f"  barter       {self.stage.stack.gateway_url}/barter/rpc   (JSON-RPC; key {self.stage.key})"
        yield f"  exchange     {self.world.exchange.address}   (watched; the first of many with SEED=1)"
        yield f"  NFT chain    {'  '.join(node.proxy_urls)}   (chain {node.chain_id}; two identities; node {node.url})"

    def _deploy(self, phase_s: int) -> BarterWorld:
        terms = Terms(deposit_s=phase_s, rank_s=phase_s)
        world = deploy_world(self.stage.node, agents=AGENTS, terms=terms, name=f"resident {self._number}")
        return self._open.enter_context(world)

    def _run(self) -> None:
        try:
            self._live()
        except GONE:
            if not self._closed.is_set():
                raise

    def _live(self) -> None:
        """Have the exchange watched; then market after market: the monitor ends the phases, proves and posts."""
        self._desk.ask("watchContract", self.world.exchange.address)
        self.stage.books.open()
        while self._moves and not self._closed.is_set():
            lists = random_lists(AGENTS, self._number)
            market = Market(title=f"market {self._number}", world=self.world, lists=lists)
            market.deposit()
            if not self._reaches(Phase.RANK):
                return
            market.rank()
            if not self._reaches(Phase.WITHDRAW):
                return
            owners = [owner.lower() for owner in self.world.owners]
            market.withdraw([owners.index(token.owner.address.lower()) for token in self.world.tokens])
            self._number += 1
            self.world = self._deploy(SHORT_S)
            self._desk.ask("watchContract", self.world.exchange.address)

    def _reaches(self, phase: Phase) -> bool:
        """Wait until the exchange is in a phase; False where everything ends before."""
        while self.world.phase < phase:
            if self._closed.wait(LOOK_EVERY_S):
                return False
        return True
