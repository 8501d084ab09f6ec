"""A bench at which Starknet's origin is worked by hand."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from functions.bridge.adapters.origin import KIND
from functions.bridge.adapters.registry import Registry
from functions.bridge.adapters.starknet_cursor import StarknetCursor, StarknetWatch
from functions.bridge.adapters.starknet_origin import StarknetOrigin, StarknetTerms
from functions.bridge.adapters.starknet_rpc import StarknetPool
from functions.bridge.core.finality import FLOOR
from functions.bridge.core.order import Deposit
from functions.bridge.core.starknet import SET_ORDER
from kernel.chain_events import Delivery, StarknetEvent
from kernel.evm.log_cursor import Budget, Progress
from kernel.evm.rpc import RpcPool
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.integration.bridge.starknet.network import ACCOUNT, CHAIN_ID, ESCROW, Faults, Network

ROLE = "counterpart_bridge"
REGISTRY = "0x" + "5e" * 20
PAYER = "0x" + "77" * 20


class Bench:
    """One network; `cursor()` is a new process each time."""

    def __init__(self, network: Network, database_url: str, stack: ExitStack) -> None:
        self.network, self._stack = network, stack
        self.clock = FakeClock()
        self.postgres = Postgres(database_url, self.clock, role=ROLE)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)
        self._pools: list[StarknetPool] = []

    def close(self) -> None:
        """Let go of all connections."""
        for pool in self._pools:
            pool.close()
        self.postgres.close()

    def pool(self, *faults: Faults, stack: ExitStack | None = None, **options: Any) -> StarknetPool:
        """One endpoint for each of these faults. Who is left out is compared with the others again at once."""
        stack = stack or self._stack
        urls = [stack.enter_context(self.network.endpoint(one)) for one in faults or (Faults(), Faults())]
        self._pools.append(StarknetPool(urls, CHAIN_ID, self.clock, **{"survey_ttl_s": 0.0} | options))
        return self._pools[-1]

    def watch(self, **changes: Any) -> StarknetWatch:
        """The escrow's deposits."""
        fields: dict[str, Any] = {
            "name": "escrow",
            "network": "sepolia",
            "address": ESCROW,
            "key": SET_ORDER,
            "kind": KIND,
            "start_block": 0,
        }
        return StarknetWatch(**fields | changes)

    def cursor(self, pool: StarknetPool, events_max: int = 500, **changes: Any) -> StarknetCursor:
        """A new process."""
        watch = self.watch(**changes)
        return StarknetCursor(self.postgres, self.tasks, pool, watch, self.clock, events_max=events_max)

    def advance(self, pool: StarknetPool, budget: Budget | None = None, **changes: Any) -> Progress:
        """One turn of a new process."""
        return self.cursor(pool, **changes).advance(budget)

    def origin(self, *faults: Faults, version: int = 2, **terms: Any) -> StarknetOrigin:
        """The origin as the product reads it; what it asks of L1 nobody answers here."""
        told = StarknetTerms(
            name="starknet",
            escrow=hex(ESCROW),
            start_block=0,
            account=hex(ACCOUNT),
            table=FLOOR,
            block_s=2.0,
            finality_s=14_400.0,
        )
        registry = Registry(RpcPool(["http://127.0.0.1:1"], 1, self.clock), REGISTRY, version)
        terms_told = replace(told, **terms)
        return StarknetOrigin(
            self.postgres, self.tasks, self.pool(*faults), registry, terms_told, payer=PAYER, clock=self.clock
        )

    def deposit(self, origin: StarknetOrigin, order_id: int = 0) -> Deposit:
        """A deposit of the newest block, as the cursor tells of it."""
        self.network.mine(self.network.set_order(order_id))
        origin.newest(5)
        return origin.deposit(self.heard()[-1])

    def heard(self) -> list[StarknetEvent]:
        """Every delivery's event, in the order of its sequence; no two tasks have one identity."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select business_key, payload from kernel.tasks where kind = %(kind)s", kind=KIND)
        deliveries = sorted((Delivery.from_json(row["payload"]) for row in rows), key=lambda one: one.sequence)
        assert Counter(one.event.identity for one in deliveries) == Counter(row["business_key"] for row in rows)
        return [event for one in deliveries if isinstance(event := one.event, StarknetEvent)]

    def orders(self) -> list[tuple[int, bool, int]]:
        """Of every event: the low half of the order's id, whether it was taken back, which occurrence."""
        return [(event.data[0], event.removed, event.occurrence) for event in self.heard()]


def standings(pool: StarknetPool) -> Sequence[str]:
    """What the pool thinks of each endpoint."""
    return [standing.value for _, standing in pool.standings()]
