"""The log cursor of an EVM chain: each event is one task, each dropped one is taken back once, whatever dies."""

from functools import cached_property
from typing import Any

from kernel.chain_events import Delivery
from kernel.evm.log_cursor import LogCursor, Watch
from kernel.evm.rpc import RpcPool
from kernel.tasks import Done, Outcome
from kernel.tasks.model import Task
from tests.crash.harness.evm_desk import CHAIN_ID
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

BELL = "0x" + "be" * 20
# Whoever calls it rings: PUSH1 1, PUSH1 0, PUSH1 0, LOG1, STOP.
BELL_CODE = "0x600160006000a100"
RINGER = "0x" + "aa" * 20
KIND = "ops.hear_bell"
HEARD = "create table public.heard (log text not null, change integer not null)"
GRANT = "grant select, insert on public.heard to counterpart_ops"
INSERT = "insert into public.heard (log, change) values (%(log)s, %(change)s)"
NET = "select log, sum(change)::int as times from public.heard group by log having sum(change) <> 0 order by log"
WRONG = "select log, change, count(*)::int as times from public.heard group by log, change having count(*) > 1"


class Listener:
    """Reads the bell's logs, and counts each event up and each retraction down."""

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
        """A turn of the cursor, as the minute takes it; then the tasks that it made."""
        self.cursor.advance()
        self.world.work({KIND: self.hear})

    def hear(self, task: Task[dict[str, Any]]) -> Outcome:
        """The count and the task's end in one commit."""
        event = Delivery.from_json(task.payload).event
        change = -1 if event.removed else 1
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, log=event.identity.removesuffix(":removed"), change=change)
            self.world.tasks.complete(tx, task.fence)
        return Done()

    def ring(self) -> None:
        """One transaction and one block."""
        self.world.evm.rpc("eth_sendTransaction", {"from": RINGER, "to": BELL})


@scenario("log-cursor", evm={})
def log_cursor(world: World) -> None:
    """Two blocks with events are read, then both are replaced by another with one event."""
    listener = Listener(world)
    listener.listen()
    world.once("two blocks are replaced", lambda: _replace(listener))
    listener.listen()


@log_cursor.preparation
def hang_the_bell(world: World) -> None:
    """A bell, and somebody who may ring it."""
    for statement in (HEARD, GRANT):
        world.rows(statement)
    world.evm.rpc("anvil_setCode", BELL, BELL_CODE)
    world.evm.rpc("anvil_impersonateAccount", RINGER)
    world.evm.fund(RINGER)


@log_cursor.beginning
def ring_twice(world: World) -> None:
    """Two events, in blocks of this run: a snapshot does not outlive the blocks that it was taken at."""
    for _ in range(2):
        Listener(world).ring()


@log_cursor.verdict
def each_event_is_heard_once(world: World) -> None:
    """What counts in the end is what the chain holds; nothing was counted twice, up or down."""
    logs = world.evm.rpc("eth_getLogs", {"address": BELL, "fromBlock": "0x0", "toBlock": "latest"})
    held = sorted(
        f"evm:{CHAIN_ID}:{log['blockHash'][2:]}:{log['transactionHash'][2:]}:{int(log['logIndex'], 16)}" for log in logs
    )
    heard = {row["log"]: row["times"] for row in world.rows(NET)}
    assert heard == dict.fromkeys(held, 1), f"{heard}, where the chain holds {held}"
    twice = world.rows(WRONG)
    assert twice == [], twice


def _replace(listener: Listener) -> None:
    listener.world.evm.rpc("anvil_reorg", 2, [])
    listener.ring()
