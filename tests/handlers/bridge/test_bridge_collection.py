"""A collection's whole way: the bridge records it, the ops slice signs and sends it, and the books stay balanced."""

from collections.abc import Iterator

import pytest

from functions.bridge.adapters.origin_settings import ZkSyncSettings
from functions.bridge.cron_rebalance import handler
from functions.bridge.wiring import ROLE, Deps, Settings
from infra.local.anvil import AnvilNode
from kernel.ledger import Ledger
from kernel.testing.kernel import FakedKernel
from kernel.treasury.reconciliation import Sighting
from kernel.treasury.store import TreasuryStore
from tests.handlers.bridge.office import OPERATOR, event
from tests.handlers.ops.purse import ETHER, GWEI, Context, Purse, evm_chain, fund, on_chain

pytestmark = pytest.mark.handlers
L1 = "evm:1"
TRANSFER_GAS, FEE_CAP_WEI = 50_000, 200 * GWEI


@pytest.fixture
def purse(anvil: AnvilNode, database_url: str) -> Iterator[Purse]:
    """The ops slice's money on an origin, and on an L1 of which nothing is read."""
    purse = Purse(database_url, (evm_chain(anvil), {"chain": L1, "rpc_urls": "plain:http://rpc.invalid"}))
    yield purse
    purse.close()


@pytest.fixture
def account(purse: Purse, anvil: AnvilNode) -> str:
    """What the escrow repays: a declared wallet with five ether, of which one is to stay."""
    chain = f"evm:{anvil.chain_id}"
    address = purse.keep(chain)
    fund(anvil, address, 5)
    purse.declare(chain, address, floor=ETHER, target=2 * ETHER)
    purse.run()
    return address


@pytest.fixture
def bridge(purse: Purse, anvil: AnvilNode, account: str) -> Iterator[Deps]:
    """The bridge on the same database, with that one origin."""
    signer = purse.keep(L1)
    purse.declare(L1, signer)
    store, wallet = TreasuryStore(), purse.deps.treasury.wallet(L1, signer)
    with purse.kernel.postgres.transaction() as tx:
        Ledger(purse.clock).open(tx, wallet.accounts())
        store.open(tx, wallet, Sighting(block=1, balance=0, transactions=0), purse.clock.now())
    origin = ZkSyncSettings(
        kind="zksync",
        name="zksync",
        chain_id=anvil.chain_id,
        rpc_urls=f"plain:{anvil.url}",
        escrow=OPERATOR,
        start_block=0,
        account=account,
        transfer_gas=TRANSFER_GAS,
        fee_cap_wei=FEE_CAP_WEI,
    )
    kernel = FakedKernel(purse.database_url, role=ROLE, clock=purse.clock)
    settings = Settings(
        l1_chain_id=1,
        l1_rpc_urls="plain:http://rpc.invalid",
        registry_address=OPERATOR,
        registry_version=2,
        signer=signer,
        origins=(origin,),
        collect_to={"zksync": OPERATOR},
    )
    yield Deps(kernel, settings)
    kernel.close()


def submit(purse: Purse) -> None:
    """Deliver the transfer's task until it has ended."""
    open_tasks = "select id, run_at from kernel.tasks where kind = 'ops.submit_evm_transaction' and state = 'ready'"
    while True:
        with purse.kernel.postgres.transaction() as tx:
            due = tx.all(open_tasks)
        if not due:
            return
        purse.clock.advance(max(0.0, (due[0]["run_at"] - purse.clock.now()).total_seconds()))
        purse.deliver(due[0]["id"])


def test_earnings_arrive_at_the_operators_address(purse: Purse, anvil: AnvilNode, account: str, bridge: Deps) -> None:
    """All above the floor but the most that the transfer can cost; what it did not cost comes back to the wallet."""
    before = on_chain(anvil, OPERATOR)

    for _ in range(2):
        handler.bind(bridge)(event("cron_rebalance"), Context())
    submit(purse)

    chain = f"evm:{anvil.chain_id}"
    sent = 4 * ETHER - TRANSFER_GAS * FEE_CAP_WEI
    assert sent == on_chain(anvil, OPERATOR) - before
    assert "balanced" == purse.check(chain, account)
    assert ETHER < purse.balance(account) == on_chain(anvil, account)
    assert 0 == purse.balance(account, "in_transit")
    fee = 5 * ETHER - sent - on_chain(anvil, account)
    assert str(fee) == bridge.overview.profit_and_loss(None, None).gas_wei
