"""Two workers race for each of thousands of tasks: never do both commit, and never does neither."""

import multiprocessing
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from kernel.postgres import Postgres
from kernel.tasks import Tasks, TaskSpec
from kernel.testing import InMemoryQueue
from tests.integration.tasks import racers

pytestmark = pytest.mark.integration
SEED = 812_576


@pytest.mark.timeout(600)
def test_two_workers_never_commit_the_same_task(route_url: str, volume: Callable[[int, int], int]) -> None:
    """Every race has exactly one effect, under the newest token, and the task is done."""
    races = volume(1000, 10_000)
    database = Postgres(route_url)
    with database.transaction() as tx:
        # No unique constraint: a second effect must be seen, not prevented by the table.
        tx.execute("create table public.effects (task_id uuid, owner text, token bigint)")
    ids = Tasks(database, InMemoryQueue()).enqueue(
        [
            TaskSpec(kind="oracle.race", business_key=f"race-{i}", payload={}, run_at=datetime.now(UTC))
            for i in range(races)
        ]
    )

    seen = _race(route_url, ids)

    print(f"\n{races} races, seed {SEED}: {dict(seen)}")  # noqa: T201
    with database.transaction() as tx:
        effects = tx.all(
            "select task.state, count(effects.token) as effects, bool_and(effects.token = task.fence) as newest "
            "from kernel.tasks task left join public.effects on task.id = effects.task_id "
            "group by task.id, task.state"
        )
    assert {("done", 1, True): races} == dict(Counter((e["state"], e["effects"], e["newest"]) for e in effects))
    assert seen["committed"] == races
    # The races were races: workers met, took over from each other, and were refused.
    assert min(seen["held by another worker"], seen["taken over"], seen["refused as stale"]) > races // 100


def _race(url: str, ids: list[UUID]) -> Counter[str]:
    context = multiprocessing.get_context("spawn")
    track = racers.Track(url, SEED, ids, context.Barrier(2), context.Queue())
    workers = [context.Process(target=racers.run, args=(track, name), daemon=True) for name in ("ada", "bob")]
    for worker in workers:
        worker.start()
    seen: Counter[str] = Counter()
    for _ in workers:
        seen.update(track.results.get(timeout=500))
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]
    return seen
