"""Several workers at once, each message more than once: every order is paid once, limits hold, books agree."""

import json
import random
import threading
from collections.abc import Callable

import pytest

from functions.bridge.adapters.limits import ORIGIN_MAX
from functions.bridge.core.registry import Version
from kernel.testing import FakeClock
from kernel.tunables import Tunables
from tests.integration.bridge.house import (
    DUE,
    EVENT,
    HANDLERS,
    L1,
    L2,
    Context,
    Doom,
    House,
    MortalKernel,
    SimulatedDeps,
)
from tests.integration.bridge.stage import ETHER, Stage

pytestmark = pytest.mark.integration
WORKERS, SEED = 4, 20261121
AMOUNT = ETHER // 100
ROUNDS_MAX = 3_000


class Worker(threading.Thread):
    """A container of its own over the house's chains; takes what is due in any order, also what others have."""

    def __init__(self, database_url: str, house: House, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.kernel = MortalKernel(database_url, Doom(), house.clock)
        self.kernel.key_service = house.kernel.key_service  # the one that sealed the signer's key
        self.deps = SimulatedDeps(self.kernel, house.settings, ether=house.ether)
        self.deps.stage, self.deps.point = house.stage, Doom().point
        self.clock, self.dice, self.stop = house.clock, random.Random(f"{SEED}-{number}"), stop
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Until all is over."""
        try:
            while not self.stop.is_set():
                self._turn()
        except BaseException as failure:
            self.failure = failure

    def _turn(self) -> None:
        with self.kernel.postgres.transaction() as tx:
            due = tx.all(DUE, now=self.clock.now())
        self.stop.wait(0.01 if not due else 0)
        for task in self.dice.sample(due, min(8, len(due))):
            [record] = EVENT["Records"]
            event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
            HANDLERS[task["kind"]].bind(self.deps)(event, Context())


def test_workers_pay_each_order_once_and_keep_the_limits(database_url: str, volume: Callable[[int, int], int]) -> None:
    """A limit of ten orders at a time is never exceeded, whoever decides beside whom; nothing fails on the way."""
    clock, count = FakeClock(), volume(20, 400)
    house = House(database_url, clock, b"\3" * 32, lambda payer: Stage(clock, Version.V2, payer))
    gwei = 10 * AMOUNT // 10**9
    Tunables(house.office, [ORIGIN_MAX], clock).set(ORIGIN_MAX.name, gwei, actor="a test", reason="a test")
    for nth in range(count):
        house.stage.lock(0xD00 + nth, AMOUNT, ETHER // 1_000)
    house.stage.l2.mine(3)
    house.minute()
    stop = threading.Event()
    workers = [Worker(database_url, house, number, stop) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    most = 0
    for _ in range(ROUNDS_MAX):
        stop.wait(0.05)
        house.stage.l1.mine()
        house.stage.l2.mine()
        house.stage.carry()
        clock.advance(3)
        rows = house.rows("select state, sum(amount_wei) as wei from bridge.orders group by state")
        by_state = {row["state"]: int(row["wei"]) for row in rows}
        most = max(
            most, sum(by_state.get(state, 0) for state in ("processing", "transferring", "fulfilled", "proving"))
        )
        if set(by_state) == {"completed"} and by_state["completed"] == count * AMOUNT:
            break
    stop.set()
    for worker in workers:
        worker.join(30)
        worker.kernel.close()

    assert [None] * WORKERS == [worker.failure for worker in workers]
    assert [1] * count == [len(house.stage.payments(nth)) for nth in range(count)]
    assert 0 < most <= 10 * AMOUNT
    assert [] == house.rows("select code from bridge.order_errors")
    assert [("balanced", 0)] * 2 == [(one.verdict, one.amount) for one in map(house.check, (L1, L2)) if one]
    assert [] == house.rows("select * from kernel.ledger_discrepancies")
    house.close()
