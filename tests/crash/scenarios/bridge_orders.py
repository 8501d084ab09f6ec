"""An order of the bridge, its whole life: read, decided, paid, claimed, closed by its escrow, and booked."""

from functions.bridge.adapters.steps import CHAIN_EVENTS, CLAIM, CLOSE, DECIDE, FILL, SUBMIT
from kernel.evm.blocks import hexadecimal
from kernel.treasury.reconciliation import Balanced
from tests.crash.harness.bridge_desk import FEE_WEI, L1, L2, BridgeDesk, amount, maker, recipient
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.world import World

ORDERS = 1
KINDS = (CHAIN_EVENTS, DECIDE, FILL, SUBMIT, CLAIM, CLOSE)


@scenario("bridge-orders", evm={"chain_id": 31337}, l2={"chain_id": 31338})
def bridge_orders(world: World) -> None:
    """The cursor reads what users locked; the handlers do the rest."""
    desk = BridgeDesk(world)
    desk.deps.following.newest(20.0)
    world.work({kind: Served(kind, desk.deps) for kind in KINDS}, meanwhile=desk.pass_time)


@bridge_orders.preparation
def lock_and_open(world: World) -> None:
    """Deposits are deep enough, and the books of both wallets are open."""
    BridgeDesk(world).open(ORDERS)


@bridge_orders.verdict
def paid_once_claimed_and_booked(world: World) -> None:
    """Each recipient has its amount, once; the escrow has repaid all; and the books say so to the wei."""
    desk = BridgeDesk(world)
    rows = world.rows("select order_id, state, is_failed from bridge.orders order by order_id")
    assert [(int(row["order_id"]), row["state"], row["is_failed"]) for row in rows] == [
        (n, "completed", False) for n in range(ORDERS)
    ], rows
    paid = [world.evm.balance_wei(recipient(n)) for n in range(ORDERS)]
    assert paid == [amount(n) for n in range(ORDERS)], paid
    _each_is_paid_and_repaid_once(world, desk)
    _books_are_the_chains(world, desk)
    world.evm.mine(3)
    world.l2.mine(3)
    verdicts = [desk.checked(chain) for chain in (L1, L2)]
    assert all(isinstance(verdict, Balanced) for verdict in verdicts), verdicts


def _each_is_paid_and_repaid_once(world: World, desk: BridgeDesk) -> None:
    told = {
        name: chain.rpc(
            "eth_getLogs",
            {
                "address": contract.address,
                "topics": [hexadecimal(contract.topic(name))],
                "fromBlock": "0x0",
                "toBlock": "latest",
            },
        )
        for name, chain, contract in (("Transfer", world.evm, desk.registry), ("ClaimPayment", world.l2, desk.escrow))
    }
    assert {name: len(logs) for name, logs in told.items()} == dict.fromkeys(told, ORDERS), told
    repaid = world.l2.balance_wei(maker().address) - desk.given_back_wei()
    assert repaid == sum(amount(n) + FEE_WEI for n in range(ORDERS)), repaid


def _books_are_the_chains(world: World, desk: BridgeDesk) -> None:
    rows = world.rows("select name, sum(balance) as balance from kernel.ledger_accounts group by name")
    held = {row["name"]: int(row["balance"]) for row in rows}
    spent = [int(row["fee"]) for row in world.rows("select fee from kernel.treasury_transfers")]
    assert held["bridge:owed:zksync"] == 0, held
    assert -held["bridge:earned"] == ORDERS * FEE_WEI, held
    assert held["bridge:fees"] == sum(spent), (held, spent)
    assert held["bridge:messages"] > -held["bridge:refunded"] == desk.given_back_wei() > 0, held
