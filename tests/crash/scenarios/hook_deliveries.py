"""Webhooks by their own handler: whoever hears no 200 posts again, and each event of the final chain counts once."""

import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.http_hooks import handler
from functions.ops.wiring import ROLE, Deps, Settings
from infra.local.notices import Alchemy, Letter
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.log_cursor import LogCursor, Watch
from kernel.evm.rpc import RpcPool
from kernel.tasks import Done, Outcome, Retry
from kernel.tasks.model import Task
from kernel.watches import Watches
from kernel.watches.hints import Unsettled, settled
from tests.crash.harness.bell import BELL, Bell
from tests.crash.harness.evm_desk import CHAIN_ID
from tests.crash.harness.hearing import KIND, Hearing, identity
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import kernel_of
from tests.crash.harness.world import World
from tests.handlers.ops.postbox import posted

NETWORK, SECRET, POLL_S = "LOCAL", "ssm:alchemy", 8.0
PROVIDER = Alchemy(key="the provider's key", network=NETWORK)
WATCH = Watch(name="bell", chain_id=CHAIN_ID, addresses=(BELL,), kind=KIND, start_block=0)


class Intake:
    """The provider, the container that it posts to, and the consumer of what is stored."""

    def __init__(self, world: World) -> None:
        self.world, self.hearing = world, Hearing(world)
        self._letters = world.site.path("letters")

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world."""
        hooks = (HookSettings(provider="alchemy", secret=SECRET, networks={NETWORK: CHAIN_ID}),)
        return Deps(kernel_of(self.world, ROLE, secrets={SECRET: PROVIDER.key}), Settings(hooks=hooks))

    @cached_property
    def pool(self) -> RpcPool:
        """The product's pool of this world's RPC identities."""
        return RpcPool(self.world.rpc_urls("evm"), CHAIN_ID, self.world.clock)

    def write(self, letters: Iterable[Letter]) -> None:
        """What the provider is to post in this run, whatever the chain holds by then."""
        told = [[letter.provider, dict(letter.headers), letter.body.decode()] for letter in letters]
        self._letters.write_text(json.dumps(told))

    def post(self) -> None:
        """Every letter, until it was answered with 200."""
        for provider, headers, body in json.loads(self._letters.read_text()):
            answer = handler.bind(self.deps)(posted(Letter(provider, headers, body.encode())), None)
            assert answer["statusCode"] == 200, answer

    def follow(self) -> None:
        """The minute's turn of the cursor, which finds by itself what no letter tells."""
        LogCursor(self.world.postgres, self.world.tasks, self.pool, WATCH, self.world.clock).advance()

    def hear(self, task: Task[dict[str, Any]]) -> Outcome:
        """A delivery is a hint: the final chain decides whether it counts."""
        told = Delivery.from_json(task.payload).event
        assert isinstance(told, EvmEvent)
        event = settled(self.pool, told, None)
        if event is Unsettled.OPEN:
            return Retry(POLL_S, "not final")
        return Done() if event is Unsettled.GONE else self.hearing.hear(task)


@scenario("hook-intake", evm={})
def hook_intake(world: World) -> None:
    """Two letters are posted, of a block that was replaced and of the one in its place; the cursor follows."""
    intake = Intake(world)
    world.ask(intake.post)
    intake.follow()
    world.work({KIND: intake.hear}, meanwhile=world.evm.mine)


@hook_intake.preparation
def watch_the_bell(world: World) -> None:
    """A bell that a slice watches, and the book of who hears it."""
    Hearing(world).prepare()
    Bell(world).hang()
    with world.postgres.transaction() as tx:
        Watches(world.clock).declare(tx, WATCH)


@hook_intake.beginning
def ring_and_replace(world: World) -> None:
    """Both letters are of this run's blocks: a snapshot does not outlive the blocks that it was taken at."""
    bell, letters = Bell(world), []
    for replaced in (True, False):
        bell.ring()
        log = bell.rung()[-1]
        letters.append(PROVIDER.block(int(log["blockNumber"], 16), log["blockHash"], [log]))
        if replaced:
            world.evm.rpc("anvil_reorg", 1, [])
    Intake(world).write(letters)


@hook_intake.verdict
def what_the_chain_holds_is_heard_once(world: World) -> None:
    """The event that stands has been heard, and the one that is gone has not."""
    logs = Bell(world).rung()
    assert len(logs) == 1, logs
    Hearing(world).assert_heard(identity(CHAIN_ID, log) for log in logs)
