"""The task engine alone: what was asked for is done once, in the same commit as its effect."""

from datetime import timedelta
from typing import Any

from kernel.errors import CacheUnavailable
from kernel.tasks import Done, Outcome, Retry, TaskSpec
from kernel.tasks.model import Task
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

KIND = "ops.make_effect"
# Without a unique key: only the engine keeps an effect from happening twice.
EFFECTS = "create table public.effects (key text not null)"
GRANT = "grant select, insert on public.effects to counterpart_ops"
INSERT = "insert into public.effects (key) values (%(key)s)"
COUNTS = "select key, count(*)::int as effects from public.effects group by key order by key"
ASKED = "select business_key as key from kernel.tasks order by business_key"


class Desk:
    """Asks for effects, and makes them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ask(self, *keys: str, later_s: float = 0.0) -> None:
        """One task for each key, in one commit."""
        run_at = START + timedelta(seconds=later_s)
        with self.world.postgres.transaction() as tx:
            specs = [TaskSpec(kind=KIND, business_key=key, payload={}, run_at=run_at) for key in keys]
            self.world.tasks.enqueue(specs, tx)

    def work(self) -> None:
        """Do everything that was asked for."""
        self.world.work({KIND: self.make_effect})

    def make_effect(self, task: Task[dict[str, Any]]) -> Outcome:
        """The effect and the task's end in one commit; the impatient first tries of some keys come to nothing."""
        if task.fence.token == 1 and task.business_key == "patient":
            return Retry(30.0, "not yet")
        if task.fence.token == 1 and task.business_key == "failing":
            raise CacheUnavailable
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, key=task.business_key)
            self.world.tasks.complete(tx, task.fence)
        return Done()


@scenario("task-life", in_test=True)
def task_life(world: World) -> None:
    """Asked for in one commit: one task is done at once, one looks again, one fails first."""
    desk = Desk(world)
    world.ask(lambda: desk.ask("plain", "patient", "failing"))
    desk.work()


@task_life.preparation
def make_the_table(world: World) -> None:
    """The business of this scenario is one table."""
    world.rows(EFFECTS)
    world.rows(GRANT)


@task_life.verdict
def each_effect_once(world: World) -> None:
    """What was asked for has one effect, and all of one commit was asked for, or nothing."""
    asked = [row["key"] for row in world.rows(ASKED)]
    assert {row["key"]: row["effects"] for row in world.rows(COUNTS)} == dict.fromkeys(asked, 1)
    assert asked or not world.caller_returns


@scenario("task-sweep")
def task_sweep(world: World) -> None:
    """Due in ten minutes: no message is sent with the commit, only the sweeper knows of it."""
    desk = Desk(world)
    world.ask(lambda: desk.ask("plain", "patient", later_s=600.0))
    desk.work()


task_sweep.preparation(make_the_table)
task_sweep.verdict(each_effect_once)
