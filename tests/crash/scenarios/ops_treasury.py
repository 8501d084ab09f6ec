"""The ops slice itself: a transfer by its own handler, its key opened under KMS, its dependencies as deployed."""

from kernel.treasury.evm import SUBMIT_KIND
from kernel.treasury.movements import Order, State
from kernel.treasury.reconciliation import Balanced
from tests.crash.harness.chains import ETHER
from tests.crash.harness.evm_desk import recipient
from tests.crash.harness.ops_container import CHAIN, OpsContainer
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.world import World

AMOUNT_WEI = ETHER // 7


class Container(OpsContainer):
    """One container, and who asks it for a transfer."""

    def ask(self) -> None:
        """What POST /v1/ops/treasury/transfers does."""
        order = Order(
            key="order-1",
            chain=CHAIN,
            sender=self.wallet,
            recipient=recipient("creditor"),
            amount=AMOUNT_WEI,
            actor="crash",
            reason="a scenario",
        )
        self.deps.treasury.request(order)


@scenario("ops-treasury", evm={}, needs=("aws",))
def ops_treasury(world: World) -> None:
    """Asked for once; the handler signs, sends, watches and books."""
    container = Container(world)
    world.ask(container.ask)
    world.work({SUBMIT_KIND: Served(SUBMIT_KIND, container.deps)}, meanwhile=world.evm.mine)


@ops_treasury.preparation
def seal_fund_and_open(world: World) -> None:
    """The wallet's key is sealed, its balance final, and its books are open."""
    Container(world).open()


@ops_treasury.verdict
def paid_and_booked(world: World) -> None:
    """One confirmed transfer, if it was committed; the recipient and the books say so."""
    container = Container(world)
    rows = world.rows("select state from kernel.treasury_transfers")
    paid = world.evm.balance_wei(recipient("creditor"))
    assert [row["state"] for row in rows] == [State.CONFIRMED] * len(rows), rows
    assert paid == AMOUNT_WEI * len(rows), f"{paid} wei for {len(rows)} transfers"
    assert len(rows) == 1 or (not rows and not world.caller_returns), rows
    verdict = container.deps.checks.check(CHAIN, container.wallet)
    assert isinstance(verdict, Balanced), verdict
