"""The room under test: publication by a slice, delivery by ops, a real receiver, a clock that is moved."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from kernel.keys.envelope import Envelope
from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Outcome, Tasks
from kernel.testing import FakeClock, InMemoryKms, InMemoryQueue
from kernel.webhooks import Webhooks
from kernel.webhooks.deliveries import Deliveries, Delivery
from kernel.webhooks.endpoints import Endpoint, Endpoints, Issued
from kernel.webhooks.post import Post
from kernel.webhooks.publishing import KIND

KEY_ID, TOPIC = "test-key", "bridge.order_filled"

DUE: Final = "select id from kernel.tasks where kind = %(kind)s and state = 'ready' and run_at <= %(now)s order by id"
OPEN: Final = "select id, run_at, state from kernel.tasks where state in ('ready', 'leased')"


class Desk:
    """Everything over one database."""

    def __init__(self, database_url: str) -> None:
        self.clock = FakeClock()
        self.slice = Postgres(database_url, self.clock, role="counterpart_bridge")
        self.postgres = Postgres(database_url, self.clock, role="counterpart_ops")
        self.queue, self.kms = InMemoryQueue(clock=self.clock), InMemoryKms((KEY_ID,))
        self.tasks = Tasks(self.postgres, self.queue, self.clock, chance=lambda: 0.0)
        self.webhooks = Webhooks(Tasks(self.slice, self.queue, self.clock), self.clock)
        envelope = Envelope(self.kms, KEY_ID)
        self.endpoints = Endpoints(self.postgres, envelope, self.clock, local=True)
        post = Post(local=True)
        self.deliveries = Deliveries(self.postgres, self.tasks, envelope, post, self.clock, chance=lambda: 0.0)

    def close(self) -> None:
        """Give the connections back."""
        self.slice.close()
        self.postgres.close()

    def endpoint(self, url: str, *topics: str, owner: str = "service:bridge") -> Issued:
        """A receiver of these topics."""
        return self.endpoints.create(owner=owner, url=url, topics=topics or (TOPIC,), actor="ada")

    def standing(self, issued: Issued) -> Endpoint:
        """How an endpoint stands."""
        return next(one for one in self.endpoints.all() if one.id == issued.endpoint_id)

    def publish(
        self,
        key: str = "order-1",
        contents: Mapping[str, Any] | None = None,
        *,
        topic: str = TOPIC,
        about: str | None = None,
    ) -> int:
        """What a slice does in a transaction of its own."""
        with self.slice.transaction() as tx:
            return self.webhooks.publish(tx, topic, key, {"order": key} if contents is None else contents, about=about)

    def due(self) -> list[UUID]:
        """The tasks whose moment has come, oldest first."""
        with self.postgres.transaction() as tx:
            rows = tx.all(DUE, kind=KIND, now=self.clock.now())
        return [row["id"] for row in rows]

    def work(self) -> list[Outcome]:
        """Do what is due, once each, as the handler does."""
        return [self.attempt(task_id) for task_id in self.due()]

    def attempt(self, task_id: UUID) -> Outcome:
        """One task."""
        task = self.tasks.claim(task_id, "a worker", 60.0, kind=KIND)
        assert not isinstance(task, NotClaimed)
        outcome = self.deliveries.deliver(
            UUID(task.payload["message_id"]), UUID(task.payload["endpoint_id"]), task.fence
        )
        self.tasks.finish(task.fence, outcome)
        return outcome

    def until_over(self, most: int = 50) -> int:
        """Do everything, waiting as long as it takes; how many attempts and waits that were."""
        for done in range(most):
            waiting = self.open()
            if not waiting:
                return done
            self.clock.set(max(self.clock.now(), *(task["run_at"] for task in waiting)))
            self.work()
        raise AssertionError(f"not over after {most}")

    def open(self) -> list[dict[str, Any]]:
        """The open tasks."""
        with self.postgres.transaction() as tx:
            return tx.all(OPEN)

    def only(self, issued: Issued) -> Delivery:
        """The endpoint's only delivery."""
        (delivery,) = self.deliveries.recent(issued.endpoint_id)
        return delivery

    def later(self, **spans: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**spans).total_seconds())
