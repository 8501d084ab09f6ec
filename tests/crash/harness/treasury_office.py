"""The office of treasury scenarios: operators' wallets over the outbox of either chain family, and their books."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

from kernel.tasks import Outcome
from kernel.tasks.model import Task
from kernel.treasury import KillSwitch
from kernel.treasury.checking import Checks
from kernel.treasury.desks import Desk
from kernel.treasury.movements import Order, Transfer
from kernel.treasury.reconciliation import Balanced
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.crash.harness.world import World


class Counter(Protocol):
    """What the office needs to know of a chain family."""

    chain: str
    kind: str

    @property
    def desk(self) -> Desk:
        """The treasury's own desk of the chain."""
        ...

    def submit(self, task: Task[dict[str, Any]], treasury: Treasury) -> Outcome:
        """Do a submit task, and book its end."""
        ...

    def make_blocks(self) -> None:
        """Let the chain go on."""
        ...

    def holds(self, address: str) -> int:
        """The balance of an address, past every point."""
        ...


class Office:
    """The treasury of one chain in this world."""

    def __init__(self, world: World, counter: Counter) -> None:
        self.world, self.counter = world, counter

    @cached_property
    def treasury(self) -> Treasury:
        """The product's treasury."""
        return Treasury(self.world.postgres, lambda _: self.counter.desk, self.world.clock)

    @cached_property
    def checks(self) -> Checks:
        """The product's checks of wallets."""
        world = self.world
        switch = KillSwitch(world.postgres, world.clock)
        return Checks(world.postgres, self.treasury, lambda _: self.counter.desk, switch, world.clock)

    def open(self, address: str, *, floor: int = 0, target: int = 0, funded_by: str | None = None) -> None:
        """Declare a wallet, and open its books with what the chain says."""
        wallet = OperatorWallet(
            service="ops", chain=self.counter.chain, address=address, floor=floor, target=target, funded_by=funded_by
        )
        self.treasury.declare(wallet, actor="crash", reason="a scenario")
        self.check(address)

    def check(self, address: str) -> None:
        """What the minute does for a wallet."""
        self.checks.check(self.counter.chain, address)

    def order(self, sender: str, recipient: str, amount: int) -> None:
        """Ask for a transfer, under the one key of this run."""
        order = Order(
            key="order-1",
            chain=self.counter.chain,
            sender=sender,
            recipient=recipient,
            amount=amount,
            actor="crash",
            reason="a scenario",
        )
        self.treasury.request(order)

    def work(self, until: Callable[[], bool] = lambda: False) -> None:
        """Do the submit tasks until all is settled."""
        submit = {self.counter.kind: lambda task: self.counter.submit(task, self.treasury)}
        self.world.work(submit, until=until, meanwhile=self.counter.make_blocks)

    def transfers(self) -> list[Transfer]:
        """Every transfer there is, past every point."""
        keys = [row["key"] for row in self.world.rows("select key from kernel.treasury_transfers order by key")]
        return [self.treasury.transfer_by_key(key) for key in keys]

    def assert_balanced(self, *addresses: str) -> None:
        """The books hold what the chain holds, to the last unit."""
        for address in addresses:
            verdict = self.checks.check(self.counter.chain, address)
            assert isinstance(verdict, Balanced), f"{address}: {verdict}"
