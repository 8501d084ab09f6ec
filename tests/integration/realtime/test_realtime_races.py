"""The scripts in a real Redis: what happens between two steps of a fan-out, and who may do what when."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from infra.local.redis import RedisRest
from kernel.clock import SystemClock
from kernel.postgres import Postgres
from kernel.realtime import Reader, Realtime, Registry, TopicUnknown, Verdict, topic_named
from kernel.realtime.fan_out import FanOut
from kernel.realtime.messages import split
from kernel.realtime.plan import Fate
from kernel.realtime.vocabulary import Position
from kernel.testing import InMemoryQueue
from kernel.upstash import Upstash

pytestmark = pytest.mark.integration
SYSTEM = topic_named("system")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Ears:
    """A kernel.realtime.pusher.Pusher: who heard which numbers; safe for threads."""

    def __init__(self) -> None:
        self.heard: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def post(self, connection_id: str, text: str) -> Fate:
        with self._lock:
            self.heard.setdefault(connection_id, []).append(json.loads(text).get("sequence", -1))
        return Fate.PUSHED

    def drop(self, connection_id: str) -> None:
        raise AssertionError(f"{connection_id} is not slow")


@pytest.fixture
def registry(upstash: Upstash) -> Registry:
    return Registry(upstash, backlog=64)


def join(registry: Registry, name: str, position: Position | None = None) -> str:
    registry.register(name, Reader())
    return registry.join(name, SYSTEM, position).epoch


def publish(registry: Registry, key: str) -> int:
    return registry.publish("system", key, *split("system", {}, NOW)).sequence


def test_several_topics_are_told_in_one_step(upstash: Upstash) -> None:
    """Each under its own number; only where somebody reads a message goes out; a repetition tells nothing."""
    registry, queue = Registry(upstash), InMemoryQueue()
    realtime = Realtime(registry, queue, SystemClock())
    join(registry, "a")
    realtime.publish("system", {"n": 0})
    queue.receive("ops-fan-out")

    for _ in range(2):
        realtime.publish_many({"system": {"n": 1}, "rounds": {"n": 1}}, key="k")

    assert [2, 1] == [registry.last(topic)[0].sequence for topic in ("system", "rounds")]
    assert {"n": 1} == json.loads(registry.last("system")[1])["body"]
    assert [{"topic": "system", "shard": 0}] * 3 == [message.body for message in queue.sent]


def test_one_at_a_time_fans_out(registry: Registry) -> None:
    """Another finds it busy, and what it came for is done by the first."""
    join(registry, "a")
    publish(registry, "1")
    first = registry.step("system", 0, "one")
    publish(registry, "2")

    second = registry.step("system", 0, "two")
    further = registry.step("system", 0, "one", first)

    assert (second, further and further.texts and further.upto) == (None, 2)
    assert registry.step("system", 0, "one", further) is None


def test_a_dead_fan_out_is_repeated_after_its_lease(upstash: Upstash) -> None:
    """And if it was only slow, it finds that the shard is another's."""
    registry = Registry(upstash, lease_ms=1)
    join(registry, "a")
    publish(registry, "1")
    first = registry.step("system", 0, "one")
    publish(registry, "2")

    second = registry.step("system", 0, "two")

    assert (second and second.first, second and second.upto) == (1, 2)
    assert registry.step("system", 0, "one", first) is None


def test_a_repeated_publication_is_one_message(registry: Registry) -> None:
    """As when the answer was lost on its way and the client asked again."""
    numbers = [publish(registry, key) for key in ("a", "a", "b", "a")]

    assert numbers == [1, 1, 2, 1]


def test_who_resumes_in_the_middle_of_a_step_misses_nothing(registry: Registry) -> None:
    """It came after the step began, so the step does not serve it; the next one does, from its position on."""
    epoch = join(registry, "a")
    for key in "12345":
        publish(registry, key)
    first = registry.step("system", 0, "one")
    join(registry, "b", Position(epoch, 2))
    publish(registry, "6")

    second = registry.step("system", 0, "one", first)

    assert second is not None
    assert (second.position_of("a"), second.position_of("b"), second.upto) == (5, 2, 6)
    assert registry.step("system", 0, "one", second) is None


def test_who_leaves_in_the_middle_of_a_step_is_gone(registry: Registry) -> None:
    """Nothing of it stays behind, and an empty shard waits for nothing."""
    join(registry, "a")
    publish(registry, "1")
    step = registry.step("system", 0, "one")
    registry.leave("a", ["system"])

    assert registry.step("system", 0, "one", step, {"a": 0}) is None
    assert registry.publish("system", "2", *split("system", {}, NOW)).members == 0


def test_redis_lost_in_the_middle_of_a_step_ends_it(registry: Registry, redis_rest: RedisRest) -> None:
    """The holder stops; what was published since belongs to a new epoch."""
    old = join(registry, "a")
    publish(registry, "1")
    step = registry.step("system", 0, "one")
    redis_rest.flush()

    assert registry.step("system", 0, "one", step) is None
    publish(registry, "1")
    assert registry.step("system", 0, "one", step) is None
    registry.register("a", Reader())
    joined = registry.join("a", SYSTEM, Position(old, 1))
    assert (joined.verdict, joined.epoch != old) == (Verdict.EPOCH_CHANGED, True)


@pytest.mark.parametrize("lost", ["rt:t:system", "rt:b:system", "rt:m:system|0", "rt:d:system|0", "rt:l:system|0"])
def test_a_part_that_redis_lost_is_noticed(registry: Registry, redis_rest: RedisRest, lost: str) -> None:
    """Whichever it is: the client gets all, is told of a gap, or sees at its next ping that its place is gone."""
    epoch = join(registry, "a")
    publish(registry, "1")
    redis_rest.command("DEL", lost)
    publish(registry, "2")
    ears = Ears()
    fan_out = FanOut(registry, ears, SystemClock())
    fan_out.drain("system", 0)
    fan_out.close()

    position = registry.seen("a", 0).positions["system"]

    heard = ears.heard.get("a", [])
    assert heard in ([1, 2], [1, 1, 2]) or position.epoch != epoch or heard == [1, 2]


def test_everybody_hears_everything_whoever_comes_goes_and_returns(registry: Registry, redis_rest: RedisRest) -> None:
    """Publishers, fan-outs and readers all at once: each reader hears its numbers without a hole, once, in order."""
    randomness, ears = random.Random(7), Ears()
    fan_outs = [FanOut(registry, ears, SystemClock()) for _ in range(3)]
    realtimes = [Realtime(registry, InMemoryQueue(), SystemClock(), fan_out=one, shards_here=100) for one in fan_outs]
    epoch = join(registry, "stays")
    began: dict[str, int] = {"stays": 0}

    def come(i: int) -> None:
        registry.register(f"r{i}", Reader())
        position = Position(epoch, randomness.randrange(1)) if i % 2 else None
        joined = registry.join(f"r{i}", SYSTEM, position)
        began[f"r{i}"] = position.sequence if position and joined.verdict is Verdict.RESUMED else joined.sequence
        if joined.waits:
            realtimes[i % 3].serve("system", joined.shard)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(realtimes[i % 3].publish, "system", {"n": i}) for i in range(40)]
        jobs += [pool.submit(come, i) for i in range(20)]
        for job in jobs:
            job.result()
    fan_outs[0].drain("system", 0)
    for one in fan_outs:
        one.close()

    assert {name: ears.heard.get(name, []) for name in began} == {
        name: list(range(start + 1, 41)) for name, start in began.items()
    }


def test_nothing_is_published_of_a_transaction_that_rolls_back(registry: Registry, database_url: str) -> None:
    """A message has no number before the commit, and none without it; a wrong topic fails the transaction."""
    realtime = Realtime(registry, InMemoryQueue(), SystemClock())
    postgres = Postgres(database_url, SystemClock())
    with pytest.raises(ZeroDivisionError), postgres.transaction() as tx:
        realtime.publish("system", {}, after=tx)
        _ = 1 // 0
    rolled_back = registry.last("system")[0].sequence
    with postgres.transaction() as tx:
        realtime.publish("system", {"n": 1}, after=tx)
        before = registry.last("system")[0].sequence
    with pytest.raises(TopicUnknown), postgres.transaction() as tx:
        realtime.publish("sys tem", {}, after=tx)
    postgres.close()

    assert (rolled_back, before, registry.last("system")[0].sequence) == (0, 0, 1)
