"""What consumers of chain events have heard: each event counts up, each retraction down, in the commit of its task."""

from collections.abc import Iterable, Mapping
from typing import Any

from kernel.chain_events import Delivery
from kernel.tasks import Done, Outcome
from kernel.tasks.model import Task
from tests.crash.harness.world import World

KIND = "ops.hear_event"
# Without a unique key: only the engine keeps an event from being heard twice.
HEARD = "create table public.heard (event text not null, change integer not null)"
GRANT = "grant select, insert on public.heard to counterpart_ops"
INSERT = "insert into public.heard (event, change) values (%(event)s, %(change)s)"
NET = "select event, sum(change)::int as times from public.heard group by event having sum(change) <> 0"
TWICE = "select event, change, count(*)::int as times from public.heard group by event, change having count(*) > 1"


class Hearing:
    """The consumer of one watch."""

    def __init__(self, world: World) -> None:
        self.world = world

    def prepare(self) -> None:
        """Make its table."""
        for statement in (HEARD, GRANT):
            self.world.rows(statement)

    def work(self) -> None:
        """Hear all that was delivered."""
        self.world.work({KIND: self.hear})

    def hear(self, task: Task[dict[str, Any]]) -> Outcome:
        """The count and the task's end in one commit."""
        event = Delivery.from_json(task.payload).event
        change = -1 if event.removed else 1
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, event=event.identity.removesuffix(":removed"), change=change)
            self.world.tasks.complete(tx, task.fence)
        return Done()

    def assert_heard(self, events: Iterable[str]) -> None:
        """What counts in the end are these, each once; nothing was counted twice, up or down."""
        heard = {row["event"]: row["times"] for row in self.world.rows(NET)}
        wanted = dict.fromkeys(events, 1)
        assert heard == wanted, f"{heard}, where the chain holds {wanted}"
        twice = self.world.rows(TWICE)
        assert twice == [], twice


def identity(chain_id: int, log: Mapping[str, Any]) -> str:
    """The identity of an event whose log a node tells."""
    return f"evm:{chain_id}:{log['blockHash'][2:]}:{log['transactionHash'][2:]}:{int(log['logIndex'], 16)}"
