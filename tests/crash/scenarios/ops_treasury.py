"""The ops slice itself: a transfer by its own handler, its key opened under KMS, its dependencies as deployed."""

from functools import cached_property

from functions.ops.adapters.chains import KEY_PURPOSE, EvmChain
from functions.ops.wiring import ROLE, Settings, SignerDeps
from kernel.keys.evm import LocalSigner
from kernel.treasury.evm import SUBMIT_KIND
from kernel.treasury.movements import Order, State
from kernel.treasury.reconciliation import Balanced
from kernel.treasury.wallets import OperatorWallet
from tests.crash.harness.chains import ETHER
from tests.crash.harness.evm_desk import CHAIN_ID, recipient
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.world import World

CHAIN, WRAPPING_KEY, AMOUNT_WEI = f"evm:{CHAIN_ID}", "alias/crash-ops", ETHER // 7
POLL_S = 8.0


class Container:
    """One container of the slice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wallet = LocalSigner(world.secret("wallet")).address

    @cached_property
    def deps(self) -> SignerDeps:
        """As wiring.py builds them, over this world."""
        urls = "plain:" + " ".join(self.world.rpc_urls("evm"))
        settings = Settings(chains=(EvmChain(chain=CHAIN, rpc_urls=urls, poll_s=POLL_S),))
        return SignerDeps(kernel_of(self.world, ROLE, key_id=WRAPPING_KEY), settings)

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
    container = Container(world)
    kms = world.aws_client("kms")
    if WRAPPING_KEY not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}:
        kms.create_alias(AliasName=WRAPPING_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    container.deps.kernel.vault.keep(world.secret("wallet"), actor="a test", purpose=KEY_PURPOSE, chain=CHAIN)
    world.evm.fund(container.wallet)
    world.evm.mine(3)
    wallet = OperatorWallet(service="ops", chain=CHAIN, address=container.wallet, floor=0, target=0)
    container.deps.treasury.declare(wallet, actor="crash", reason="a scenario")
    container.deps.checks.check(CHAIN, container.wallet)


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
