"""One deployment that pins, as the tests of its rooms use it."""

from dataclasses import dataclass

from kernel.breaker import Breakers
from kernel.pinning import Pinning, Replication, Sources
from kernel.pinning.services import PinningService
from kernel.postgres import Postgres
from kernel.tasks import Outcome, Task, Tasks
from kernel.testing import FakeClock
from kernel.testing.content import InMemoryContent

#: Generous: a busy machine must not look like a silent service. Tests of silence name a shorter one.
TIMEOUT_S = 10.0
#: For what is waited for in vain, beside others that answer.
IMPATIENT_S = 2.0
ROLE = "counterpart_ops"


@dataclass
class Desk:
    """One deployment: a slice that pins, and the worker that makes copies."""

    postgres: Postgres
    tasks: Tasks
    clock: FakeClock
    breakers: Breakers
    store: InMemoryContent
    sources: Sources
    services: list[PinningService]
    wanted: int = 2

    @property
    def pinning(self) -> Pinning:
        return Pinning(self.postgres, self.store, self.sources, self.tasks, self.clock, wanted=self.wanted)

    @property
    def replication(self) -> Replication:
        return Replication(self.postgres, self.sources, self.services, self.breakers, self.tasks, self.clock)

    def pin(self, key: str, plain: bytes, **how: object) -> str:
        """What a slice does; the CID."""
        kept = self.pinning.keep(plain, media_type="application/json", **how)  # type: ignore[arg-type]  # arguments by name
        with self.postgres.transaction() as tx:
            return self.pinning.record(tx, key, kept).cid

    def claimed(self, key: str) -> Task[dict[str, object]]:
        """The pin's task under a new token."""
        (record,) = self.tasks.about(key)
        claimed = self.tasks.claim(record.id, "worker", 60.0)
        assert isinstance(claimed, Task), claimed
        return claimed

    def work(self, key: str) -> Outcome:
        """One attempt of the pin's task, as its handler makes it."""
        task = self.claimed(key)
        outcome = self.replication.advance(key, task.fence)
        self.tasks.finish(task.fence, outcome)
        return outcome

    def state(self, key: str) -> tuple[str, tuple[str, ...]]:
        pin = self.pinning.pin(key)
        return pin.state, pin.confirmed
