"""The breaker: a dependency fails until it is left alone, is tried, and comes back; the record misses no change."""

from functools import cached_property
from typing import Any

from kernel.breaker import Breakers, UpstashBoard
from kernel.jsonrpc.endpoint import RpcUnavailable
from kernel.tasks import Done, Outcome, TaskSpec
from kernel.tasks.model import Task
from kernel.upstash import Upstash
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

VENUE, KIND, WELL = "market_data", "ops.ask_venue", "the venue is well"
ATTEMPTS_MAX = 100
STATE = "select state from kernel.breakers where dependency = 'market_data'"
CHANGES = "select version, from_state, to_state from kernel.breaker_changes order by id"


class Caller:
    """Asks a venue through the breaker until it answers."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def breakers(self) -> Breakers:
        """The product's breakers, with a connection of their own and a board of this run's own."""
        world = self.world
        board = UpstashBoard(Upstash(*world.redis), key=f"breakers:{world.site.seed}:{world.site.run}")
        return Breakers(world.postgres_as("counterpart_ops"), board, world.clock, actor="caller")

    def ask(self) -> None:
        """One task, which fails as long as the venue does."""
        spec = TaskSpec(kind=KIND, business_key="ask", payload={}, run_at=START, attempts_max=ATTEMPTS_MAX)
        self.world.tasks.enqueue([spec])

    def call(self, task: Task[dict[str, Any]]) -> Outcome:
        """One call, if the breaker lets it."""
        with self.breakers.guard(VENUE):
            if not self.world.has_happened(WELL):
                raise RpcUnavailable
        return Done({"task": str(task.id)})

    def state(self) -> str | None:
        """What the record says of the venue."""
        rows = self.world.rows(STATE)
        return rows[0]["state"] if rows else None


@scenario("breaker", needs=("redis",))
def breaker(world: World) -> None:
    """Failures open the circuit; once the venue is well a probe closes it."""
    caller = Caller(world)
    world.ask(caller.ask)
    world.work({KIND: caller.call}, until=lambda: caller.state() == "circuit_open")
    world.once(WELL, lambda: None)
    world.work({KIND: caller.call})


@breaker.verdict
def no_change_is_missing(world: World) -> None:
    """Each change begins where the one before ended, and no probe is held by the dead."""
    changes = world.rows(CHANGES)
    ends = ["initializing", *(row["to_state"] for row in changes)]
    assert [row["from_state"] for row in changes] == ends[:-1], changes
    versions = [row["version"] for row in changes]
    assert versions == sorted(set(versions)), changes
    state = Caller(world).state()
    assert state == (ends[-1] if changes else None), f"{state}, where the changes end with {ends[-1]}"
    assert state in {None, "active", "degraded"}, state
    assert changes or not world.caller_returns
