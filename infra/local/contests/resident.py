"""The duels of `make up` with SEED=1: a node, prices and a deployment of their own; one duel follows the other."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Self

import httpx

from infra.local.cloud import LocalCloud
from infra.local.contests.client import Desk, Refused
from infra.local.contests.stage import WARM as OF_CONTESTS
from infra.local.contests.stage import ContestsStage, open_stage
from infra.local.contests.world import start_world
from infra.local.demo.contests_crowd import Crowd
from infra.local.demo.stage import SceneFailed
from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.runner.runner import Runner
from infra.local.solana import LAMPORTS_PER_SOL

logger = logging.getLogger(__name__)

#: What the bundle's containers are warm with beside the other services' vendors.
WARM: Final = (WARM_FIRST, tuple(dict.fromkeys((*WARM_LATER, *OF_CONTESTS[1]))))

#: A block as often as on the cluster itself: a machine left running stays cool.
SLOT_MS: Final = 400
PLAYERS, TOKENS, SEED = 6, 6, 7
FEE: Final = LAMPORTS_PER_SOL // 50
FUNDS: Final = 10 * LAMPORTS_PER_SOL
LENGTH_S, LEAD_S, TRADE_EVERY_S, AGAIN_S = 120, 3_600, 3.0, 10.0


class ContestsResident:
    """A context manager: contests run, tokens may be played with, and a handful of players duels."""

    def __init__(self, cloud: LocalCloud, runner: Runner) -> None:
        self._cloud, self._runner = cloud, runner
        self._open, self._closed = ExitStack(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="contests-duels", daemon=True)

    stage: ContestsStage
    _desk: Desk
    _crowd: Crowd

    def __enter__(self) -> Self:
        world = start_world(self._cloud.children, players=PLAYERS, name="contests", slot_ms=SLOT_MS, proxied=True)
        database_url = self._cloud.postgres.create_migrated()
        self.stage = open_stage(self._cloud, self._runner, world, database_url=database_url)
        self.stage.start()
        self._desk = self._open.enter_context(Desk(self.stage))
        self._crowd = Crowd(world.players, world.tokens(TOKENS), SEED)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(10.0)
        self._open.close()

    def lines(self) -> Iterator[str]:
        """Where everything is."""
        world = self.stage.world
        yield f"  contests     {self.stage.stack.gateway_url}/v1/contests   (API key {self.stage.admin_key})"
        yield f"  Solana RPC   {'  '.join(world.node.proxy_urls)}   (localnet; two identities; node {world.node.url})"
        yield f"  token prices {world.sources.url}   (Jupiter and DexScreener)"

    def _run(self) -> None:
        """Duel after duel; what a busy machine does not bring about in time is left, and the next one begins."""
        number, has_tokens = 0, False
        while not self._closed.is_set():
            try:
                if not has_tokens:
                    self._desk.list_tokens(self._crowd.tokens)
                    has_tokens = True
                self._play(number)
            except (SceneFailed, Refused, OSError, httpx.HTTPError):
                if not self._closed.wait(AGAIN_S):
                    logger.warning("A duel was left as it is; the next one begins.", exc_info=True)
            number += 1

    def _play(self, number: int) -> None:
        """One duel, from its announcement to its end; its prizes are paid while the next one begins."""
        contest = self._desk.announce(f"Duel {number}", FEE, lead_s=LEAD_S, length_s=LENGTH_S)
        for place, player in enumerate(self._crowd.players):
            if self._closed.is_set():
                return
            self.stage.world.node.fund(player.address, FUNDS)
            pay_to = self._desk.admin.get(f"/{contest}")["pay_to"]
            signature = self.stage.world.pay(player, to=pay_to, lamports=FEE)
            self._desk.enter(player, contest, signature, self._crowd.weights_bps(place))
        self.stage.start_now(contest, length_s=LENGTH_S)
        turn = 1_000 * number
        while self._desk.admin.get(f"/{contest}")["status"] in ("pending", "active"):
            if self._closed.wait(TRADE_EVERY_S):
                return
            self._crowd.trade(self._desk, contest, turn)
            turn += 1
