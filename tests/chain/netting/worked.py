"""Netting's tasks delivered by hand, over a real node and database: to containers that may die, on a clock of tests."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from functions.netting.wiring import Settings, SignerDeps
from infra.local.netting.world import World
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.workbench import Died

EVENT: Final = json.loads(Path("events/netting/queue_submit_settlement.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any (%(kinds)s)
      and ((state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s))
    order by run_at, id
"""
NEXT: Final = """
    select min(coalesce(lease_until, run_at)) as at from kernel.tasks
    where kind = any (%(kinds)s) and state in ('ready', 'leased')
"""


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


class Worked:
    """One deployment. `deps` are a container's; a death takes them."""

    #: The handler of each kind of task.
    handlers: ClassVar[Mapping[str, Any]]
    #: Deliveries of all that is due until something must be wrong.
    rounds_max: ClassVar[int]
    #: Blocks that come whenever all wait; finality is 31 of them away.
    blocks: ClassVar[int]
    #: Blocks that come while a single task is waited for.
    blocks_a_step: ClassVar[int] = 0

    world: World
    kernel: FakedKernel
    clock: FakeClock
    office: Postgres
    settings: Settings
    deps: SignerDeps

    def container(self) -> SignerDeps:
        """A new process."""
        return SignerDeps(self.kernel, self.settings)

    def due(self, *kinds: str) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(DUE, kinds=list(kinds or self.handlers), now=self.clock.now())

    def deliver(self, task: Mapping[str, Any], deps: SignerDeps | None = None) -> None:
        """Deliver one task's message to its handler. Raises what kills the process, and leaves the task leased."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        answer = self.handlers[task["kind"]].bind(deps or self.deps)(event, Context())
        assert {"batchItemFailures": []} == answer

    def work(self, *kinds: str, rounds: int | None = None, blocks: int | None = None) -> None:
        """Deliver until nothing is left to do, or so often; so many blocks come whenever all wait."""
        for _ in range(rounds or self.rounds_max):
            due = self.due(*kinds)
            for task in due:
                self.deliver(task)
            if not due and not self.wait(*kinds, blocks=blocks):
                return
        if rounds is None:
            raise AssertionError(
                self.rows("select kind, business_key, state, result from kernel.tasks where state = 'ready'")
            )

    def wait(self, *kinds: str, blocks: int | None = None) -> bool:
        """Let time and blocks pass until a task is due; False when none is open."""
        [row] = self.rows(NEXT, kinds=list(kinds or self.handlers))
        if row["at"] is None:
            return False
        self.world.node.mine(self.blocks if blocks is None else blocks)
        self.clock.advance(max(0.0, (row["at"] - self.clock.now()) / timedelta(seconds=1)))
        return True

    def step(self, kind: str, deps: SignerDeps | None = None, *, blocks: int | None = None) -> None:
        """One run of whatever is due next of a kind, time passing as it needs. Raises what kills the process."""
        while not (due := self.due(kind)):
            assert self.wait(kind, blocks=self.blocks_a_step if blocks is None else blocks), f"no {kind} is open"
        self.deliver(due[0], deps)

    def die(self, kind: str, deps: SignerDeps) -> None:
        """A process that takes a task and dies over it; the next one finds the task when its lease has ended."""
        try:
            self.step(kind, deps)
        except Died:
            self.kernel.postgres.close()
            self.deps = self.container()
            return
        raise AssertionError("it lives")

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))
