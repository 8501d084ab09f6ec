"""An order of Starknet, its whole life: its deposit, payment and claim, and the repayment that the escrow tells of."""

from functions.bridge.adapters.steps import CHAIN_EVENTS, CLAIM, CLOSE, DECIDE, FILL, SUBMIT
from kernel.treasury.reconciliation import Balanced
from tests.crash.harness.bridge_desk import L1, amount, recipient
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.starknet_desk import ASSET, FEE_WEI, ORDER_ID, StarknetDesk
from tests.crash.harness.world import World
from tests.integration.bridge.starknet.network import ACCOUNT

KINDS = (CHAIN_EVENTS, DECIDE, FILL, SUBMIT, CLAIM, CLOSE)


@scenario("bridge-starknet", evm={"chain_id": 31337}, l2={"chain_id": 31338})
def bridge_starknet(world: World) -> None:
    """The cursors read what users locked, and once it is repaid, up to which block that is final."""
    desk = StarknetDesk(world)
    work = {kind: Served(kind, desk.deps) for kind in KINDS}
    desk.deps.following.newest(20.0)
    world.work(work, until=lambda: desk.repaid() > 0, meanwhile=desk.pass_time)
    desk.deps.following.accepted(20.0)
    world.work(work, meanwhile=desk.pass_time)


@bridge_starknet.preparation
def deploy_and_open(world: World) -> None:
    """The contracts are there, and the books of our wallet on Ethereum are open."""
    StarknetDesk(world).open()


@bridge_starknet.verdict
def paid_once_claimed_and_booked(world: World) -> None:
    """The recipient has its amount, once; one message told the escrow of it; the books say so to the wei."""
    desk = StarknetDesk(world)
    rows = world.rows("select order_id, state, is_failed from bridge.orders")
    assert [(int(row["order_id"]), row["state"], row["is_failed"]) for row in rows] == [(ORDER_ID, "completed", False)]
    assert world.evm.balance_wei(recipient(0)) == amount(0)
    assert desk.told() == [(ORDER_ID, amount(0))]
    held = {
        row["name"]: int(row["balance"])
        for row in world.rows("select name, balance from kernel.ledger_accounts where asset = %(asset)s", asset=ASSET)
    }
    assert held == {
        f"bridge:wallet:0x{ACCOUNT:064x}": amount(0) + FEE_WEI,
        "bridge:exchanged": -amount(0),
        "bridge:earned": -FEE_WEI,
    }, held
    owed = world.rows("select balance from kernel.ledger_accounts where name = 'bridge:owed:starknet'")
    assert [int(row["balance"]) for row in owed] == [0], owed
    world.evm.mine(3)
    assert isinstance(desk.checked(L1), Balanced), desk.checked(L1)
