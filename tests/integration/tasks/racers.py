"""One of the two workers that race for the same tasks, as a process of its own.

For each task the two meet at a barrier and then claim, dawdle and commit as their seeds say. Leases of no length and
pauses between claim and commit make takeovers, stale commits and true simultaneity common.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from uuid import UUID

from kernel.errors import LeaseLost
from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Task, Tasks
from kernel.testing import InMemoryQueue

#: What a worker may do with a task before it gives up on it: enough for each to take over from the other.
ROUNDS_MAX = 3
#: A worker that does not come to the barrier within this has died.
MEETING_S = 30


class Racer:
    """A worker with its own connection, its own clock error and its own dice."""

    def __init__(self, url: str, name: str, seed: int) -> None:
        self.name = name
        self.dice = random.Random(f"{seed}-{name}")
        self.postgres = Postgres(url)
        self.tasks = Tasks(self.postgres, InMemoryQueue())
        self.seen: Counter[str] = Counter()

    def race(self, task_id: UUID) -> None:
        """Claim, dawdle, commit; look again while the task is the other's."""
        for _ in range(ROUNDS_MAX):
            lease_s = self.dice.choice((0.0, 0.0005, 0.002, 30.0))
            task = self.tasks.claim(task_id, self.name, lease_s)
            if isinstance(task, NotClaimed):
                self.seen[task.reason] += 1
                if task.reason.startswith("already"):
                    return
                time.sleep(self.dice.uniform(0, 0.001))
                continue
            self.seen["claimed"] += 1
            self.seen["taken over"] += task.fence.token > 1
            time.sleep(self.dice.choice((0, 0, 0.0003, 0.002)))
            if self._commit(task):
                return

    def _commit(self, task: Task[dict[str, object]]) -> bool:
        try:
            with self.postgres.transaction(holding=task.fence) as tx:
                tx.execute(
                    "insert into public.effects (task_id, owner, token) values (%(id)s, %(owner)s, %(token)s)",
                    id=task.id,
                    owner=self.name,
                    token=task.fence.token,
                )
                self.tasks.complete(tx, task.fence)
        except LeaseLost:
            self.seen["refused as stale"] += 1
            return False
        self.seen["committed"] += 1
        return True


@dataclass(frozen=True, slots=True)
class Track:
    """What both workers are given."""

    url: str
    seed: int
    ids: Sequence[UUID]
    start: Barrier
    results: "Queue[dict[str, int]]"


def run(track: Track, name: str) -> None:
    """Race for each task in turn; what was seen goes into the results."""
    racer = Racer(track.url, name, track.seed)
    for task_id in track.ids:
        track.start.wait(MEETING_S)
        racer.race(task_id)
    track.results.put(dict(racer.seen))
