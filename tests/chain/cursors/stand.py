"""A stand at which a log cursor is worked by hand: real Postgres, a real node, and what its consumers have heard."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.anvil import AnvilNode
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.log_cursor import Budget, LogCursor, Progress, Watch
from kernel.evm.rpc import RpcPool
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.chain.cursors.emitter import TOPIC, Emitter

# A cursor works with the rights of a slice, never with more.
ROLE = "counterpart_oracle"
KIND = "oracle.hear"


@dataclass
class Stand:
    """One watch on one chain; `cursor()` is a new process each time."""

    node: AnvilNode
    database_url: str
    urls: Sequence[str] = ()
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.emitter = Emitter(self.node)
        self.postgres = Postgres(self.database_url, self.clock, role=ROLE)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)

    def watch(self, **changes: Any) -> Watch:
        fields: dict[str, Any] = {
            "name": "emitter",
            "chain_id": self.node.chain_id,
            "addresses": (self.emitter.address,),
            "topics": (TOPIC,),
            "kind": KIND,
            "start_block": 0,
        }
        return Watch(**fields | changes)

    def pool(self, urls: Sequence[str] = ()) -> RpcPool:
        """Whoever is left out is compared with the others again at once: these tests move faster than chains do."""
        return RpcPool(tuple(urls or self.urls or (self.node.url,)), self.node.chain_id, self.clock, survey_ttl_s=0.0)

    def cursor(self, pool: RpcPool | None = None, events_max: int = 500, **changes: Any) -> LogCursor:
        watch = self.watch(**changes)
        return LogCursor(self.postgres, self.tasks, pool or self.pool(), watch, self.clock, events_max=events_max)

    def advance(self, pool: RpcPool | None = None, budget: Budget | None = None, **changes: Any) -> Progress:
        """One turn of a new process."""
        return self.cursor(pool, **changes).advance(budget)

    def heard(self, kind: str = KIND) -> list[Delivery]:
        """Every delivery, in the order of its sequence."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select business_key, payload from kernel.tasks where kind = %(kind)s", kind=kind)
        deliveries = sorted((Delivery.from_json(row["payload"]) for row in rows), key=lambda one: one.sequence)
        assert Counter(one.event.identity for one in deliveries) == Counter(row["business_key"] for row in rows)
        return deliveries

    def events(self) -> list[EvmEvent]:
        """The same without who delivered them."""
        return [event for one in self.heard() if isinstance(event := one.event, EvmEvent)]

    def standing(self) -> list[tuple[str, str, int]]:
        """What a consumer that follows the order holds true at last; a delivery that makes no sense to it fails."""
        true: dict[tuple[str, str, int], int] = {}
        for event in self.events():
            place = ("0x" + event.block_hash.hex(), "0x" + event.transaction_hash.hex(), event.log_index)
            if event.removed:
                assert true.pop(place) == event.occurrence
            else:
                assert place not in true
                true[place] = event.occurrence
        return list(true)

    def row(self) -> dict[str, Any]:
        """The watch's row."""
        with self.postgres.transaction() as tx:
            return tx.one("select * from kernel.evm_cursors where watch = 'emitter'")

    def count(self, table: str) -> int:
        """How many rows a table of the kernel has."""
        with self.postgres.transaction() as tx:
            return int(tx.one(f"select count(*) as n from kernel.{table}")["n"])
