"""News over WebSockets: told after the commit and never without it; what must be told is told, from a task, once."""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from functions.ops.wiring import ROLE, RealtimeDeps
from kernel.realtime import Reader, Realtime, Registry, topic_named
from kernel.tasks import Done, Outcome, TaskSpec
from kernel.tasks.model import Task
from kernel.upstash import Upstash
from tests.crash.harness.scenario import scenario
from tests.crash.harness.screen import Screen
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.site import START
from tests.crash.harness.world import World

MAKE, TELL, FAN_OUT = "ops.make_effect", "ops.tell_effect", "ops.fan_out"
KEYS = ("first", "second")
#: A fan-out that died is given up at once, since Redis has a time of its own.
LEASE_MS = 1
EFFECTS = "create table public.effects (key text not null)"
GRANT = "grant select, insert on public.effects to counterpart_ops"
INSERT = "insert into public.effects (key) values (%(key)s)"


class Newsroom:
    """Makes effects, tells of each in passing, and once more for sure."""

    def __init__(self, world: World) -> None:
        self.world, self.screen = world, Screen(world)
        # Redis outlives the run: its database's name is the only one that no other run has.
        self._run = urlsplit(world.site.database_url).path.removeprefix("/")
        self.topic = topic_named(f"contest:{self._run}")

    @cached_property
    def registry(self) -> Registry:
        """The product's register."""
        return Registry(Upstash(*self.world.redis), lease_ms=LEASE_MS)

    @cached_property
    def realtime(self) -> Realtime:
        """As any slice publishes."""
        return Realtime(self.registry, self.world.queue, self.world.clock)

    @cached_property
    def fan_out(self) -> Served:
        """The handler of the ops slice."""
        kernel = kernel_of(self.world, ROLE)
        return Served(FAN_OUT, RealtimeDeps(kernel, registry=self.registry, pusher=self.screen))

    def open(self) -> None:
        """One client, which reads the topic."""
        self.registry.register(self._run, Reader())
        self.registry.join(self._run, self.topic)

    def ask(self) -> None:
        """One task for each effect, in one commit."""
        with self.world.postgres.transaction() as tx:
            specs = [TaskSpec(kind=MAKE, business_key=key, payload={}, run_at=START) for key in KEYS]
            self.world.tasks.enqueue(specs, tx)

    def make(self, task: Task[dict[str, Any]]) -> Outcome:
        """The effect, its news in passing, the task that tells of it for sure, and the end: one commit."""
        key = task.business_key
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, key=key)
            self.realtime.publish(self.topic.name, {"in_passing": key}, after=tx)
            self.world.tasks.enqueue([TaskSpec(kind=TELL, business_key=key, payload={}, run_at=START)], tx)
            self.world.tasks.complete(tx, task.fence)
        return Done()

    def tell(self, task: Task[dict[str, Any]]) -> Outcome:
        """Again and again under one key, until it is done."""
        self.realtime.publish(self.topic.name, {"for_sure": task.business_key}, key=task.business_key)
        return Done()

    def work(self) -> None:
        """All of it."""
        self.world.work({MAKE: self.make, TELL: self.tell, FAN_OUT: self.fan_out})


@scenario("realtime-news", needs=("redis",))
def realtime_news(world: World) -> None:
    """Two effects, and what a client is told of them."""
    newsroom = Newsroom(world)
    world.ask(newsroom.ask)
    newsroom.work()


@realtime_news.preparation
def make_the_table(world: World) -> None:
    """The business of this scenario is one table."""
    world.rows(EFFECTS)
    world.rows(GRANT)


@realtime_news.beginning
def connect(world: World) -> None:
    """A client of this run."""
    Newsroom(world).open()


@realtime_news.verdict
def told_in_order_and_once(world: World) -> None:
    """No number is missing or twice; what must be told was, and nothing is told that is not so."""
    shown = Newsroom(world).screen.shown()
    effects = sorted(row["key"] for row in world.rows("select key from public.effects"))
    for_sure = sorted(body["for_sure"] for message in shown if "for_sure" in (body := message["body"]))
    in_passing = sorted(body["in_passing"] for message in shown if "in_passing" in (body := message["body"]))
    assert [message["sequence"] for message in shown] == list(range(1, len(shown) + 1)), shown
    assert effects == list(KEYS) or (not effects and not world.caller_returns), effects
    assert for_sure == effects, shown
    assert sorted(set(in_passing)) == in_passing, shown
    # Whoever dies between the commit and the news has told nothing in passing.
    assert (set(in_passing) <= set(effects)) if world.survives else (in_passing == effects), shown
