"""The log cursor of an EVM chain: each event is one task, each dropped one is taken back once, whatever dies."""

from functools import cached_property

from kernel.evm.log_cursor import LogCursor, Pause, Watch
from kernel.evm.rpc import RpcPool
from tests.crash.harness.bell import BELL, Bell
from tests.crash.harness.evm_desk import CHAIN_ID
from tests.crash.harness.hearing import KIND, Hearing, identity
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

# One is enough, unless a busy machine lets an endpoint answer too late to be counted.
TURNS_MAX = 5


class Listener:
    """Reads the bell's logs."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def cursor(self) -> LogCursor:
        """The product's cursor."""
        world = self.world
        pool = RpcPool(world.rpc_urls("evm"), CHAIN_ID, world.clock)
        watch = Watch(name="bell", chain_id=CHAIN_ID, addresses=(BELL,), kind=KIND, start_block=0)
        return LogCursor(world.postgres, world.tasks, pool, watch, world.clock)

    def listen(self) -> None:
        """Turns of the cursor, one a minute, until it is at the head; then the tasks that it made."""
        pauses: list[Pause] = []
        while Pause.AT_HEAD not in pauses:
            pauses.append(self.cursor.advance().pause)
            assert len(pauses) <= TURNS_MAX, pauses
            self.world.clock.advance(60.0)
        Hearing(self.world).work()


@scenario("log-cursor", evm={})
def log_cursor(world: World) -> None:
    """Two blocks with events are read, then both are replaced by another with one event."""
    listener = Listener(world)
    listener.listen()
    world.once("two blocks are replaced", lambda: _replace(world))
    listener.listen()


@log_cursor.preparation
def hang_the_bell(world: World) -> None:
    """A bell, and somebody who may ring it."""
    Hearing(world).prepare()
    Bell(world).hang()


@log_cursor.beginning
def ring_twice(world: World) -> None:
    """Two events, in blocks of this run: a snapshot does not outlive the blocks that it was taken at."""
    for _ in range(2):
        Bell(world).ring()


@log_cursor.verdict
def each_event_is_heard_once(world: World) -> None:
    """What the chain holds in the end has been heard, and nothing else."""
    logs = Bell(world).rung()
    assert len(logs) == 1, logs
    Hearing(world).assert_heard(identity(CHAIN_ID, log) for log in logs)


def _replace(world: World) -> None:
    world.evm.rpc("anvil_reorg", 2, [])
    Bell(world).ring()
