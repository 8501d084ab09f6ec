"""The bridge over a run's two chains: its dependencies as wiring.py builds them, its users, and its relayer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from functions.bridge.adapters.origin_settings import AnyOrigin, ZkSyncSettings
from functions.bridge.core.escrow import L2_ETHER, MINT
from functions.bridge.core.registry import Version
from functions.bridge.wiring import ROLE, Settings, SignerDeps
from infra.local.anvil import AnvilNode
from infra.local.bridge.bootloader import OrderedCall, alias, make
from infra.local.bridge.deployment import L1_CHAIN_ID, L2_CHAIN_ID, L2_GAS_PRICE_WEI, SEED, deploy_world
from infra.local.bridge.world import ORIGIN
from infra.local.children import Child
from infra.local.flare.accounts import DevAccount, dev_account
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import created_address
from kernel.evm.blocks import hexadecimal
from kernel.evm.fees import GWEI
from kernel.evm.rpc import RpcPool
from kernel.keys.evm import LocalSigner, Signer
from kernel.treasury.checking import Checks
from kernel.treasury.evm import EvmDesk
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from kernel.wiring import Kernel
from tests.crash.harness.chains import ETHER
from tests.crash.harness.serving import kernel_of
from tests.crash.harness.world import World

L1, L2 = f"evm:{L1_CHAIN_ID}", f"evm:{L2_CHAIN_ID}"
VERSION: Final = Version.V2
FEE_WEI: Final = ETHER // 100
#: Where deploy_world puts them, by the deployer's nonces.
_MAILBOX, _REGISTRY, _ESCROW = 0, 3, 1


@dataclass(frozen=True, slots=True)
class Ether:
    """What one ether is worth."""

    def usd_cents(self) -> int | None:
        """Always the same."""
        return 2_000_00


class Deps(SignerDeps):
    """The bridge's dependencies; the signer's key is at hand, since sealing it has a scenario of its own."""

    @cached_property
    def _signer(self) -> Signer:
        return LocalSigner(bytes(maker().private_key))


def maker() -> DevAccount:
    """Who pays and claims."""
    return dev_account(SEED, f"market maker {VERSION.value}")


def recipient(number: int) -> str:
    """Whom the order of this number pays."""
    return dev_account(SEED, f"recipient {number}").address


class BridgeDesk:
    """One process's bridge."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mailbox = Contract(created_address(deployer(), _MAILBOX), artifact("ZkSyncMailbox", "bridge"))
        self.registry = Contract(created_address(deployer(), _REGISTRY), artifact("PaymentRegistryV2", "bridge"))
        self.escrow = Contract(created_address(deployer(), _ESCROW), artifact("Escrow", "bridge"))

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world."""
        network = ZkSyncSettings(
            kind="zksync",
            name=ORIGIN,
            chain_id=L2_CHAIN_ID,
            rpc_urls="plain:" + " ".join(self.world.rpc_urls("l2")),
            escrow=self.escrow.address,
            start_block=0,
            account=maker().address,
            block_s=1.0,
            finality_s=10.0,
        )
        return Deps(self.kernel, self.settings((network,)), ether=self.ether)

    @property
    def ether(self) -> Ether:
        """What one ether is worth."""
        return Ether()

    @property
    def kernel(self) -> Kernel:
        """The rooms of one process, with the bridge's rights."""
        return kernel_of(self.world, ROLE)

    def settings(self, origins: tuple[AnyOrigin, ...]) -> Settings:
        """One registry, one signer, and these networks."""
        return Settings(
            l1_chain_id=L1_CHAIN_ID,
            l1_rpc_urls="plain:" + " ".join(self.world.rpc_urls("evm")),
            l1_fee_cap_wei=20 * GWEI,
            l1_poll_s=8.0,
            registry_address=self.registry.address,
            registry_version=VERSION,
            signer=maker().address,
            origins=origins,
            claim_every_s=60,
            close_every_s=30.0,
        )

    def open(self, orders: int) -> None:
        """Deploy, have users lock their orders, make those deep, and open the books of both wallets."""
        deploy(self.world)
        for number in range(orders):
            self._lock(dev_account(SEED, f"user {number}").address, number)
        for chain in (self.world.evm, self.world.l2):
            chain.mine(4)
        office = self.world.postgres_as("counterpart_ops")
        treasury = Treasury(office, self._desk, self.world.clock)
        for chain_name in (L1, L2):
            wallet = OperatorWallet(service="bridge", chain=chain_name, address=maker().address, floor=0, target=0)
            treasury.declare(wallet, actor="crash", reason="a scenario")
            self.checked(chain_name)

    def _lock(self, user: str, number: int) -> None:
        self.world.l2.rpc("anvil_impersonateAccount", user)
        data = hexadecimal(self.escrow.data("set_order", recipient(number), FEE_WEI))
        value = hex(amount(number) + FEE_WEI)
        call = {"from": user, "to": self.escrow.address, "data": data, "value": value, "gas": hex(300_000)}
        self.world.l2.rpc("eth_sendTransaction", call)

    def checked(self, chain: str) -> Any:
        """What the treasury says of our wallet there."""
        office, clock = self.world.postgres_as("counterpart_ops"), self.world.clock
        treasury = Treasury(office, self._desk, clock)
        return Checks(office, treasury, self._desk, KillSwitch(office, clock), clock).check(chain, maker().address)

    def pass_time(self) -> None:
        """Blocks on both chains, and the relayer's calls between them."""
        self.world.evm.mine()
        self._carry()
        self.world.l2.mine(3)

    def _carry(self) -> None:
        """Make the calls on L2 that a block of L1 asks for and that were not made: an order's is made once."""
        asked, paid = self._told("L2TransactionRequested"), self._told("L2TransactionPaid")
        sender = alias(self.registry.address)
        made = self.world.l2.nonce(sender, "pending")
        for told, fee in list(zip(asked, paid, strict=True))[made:]:
            call = OrderedCall(
                tx_id=told["txId"],
                sender=sender,
                contract=told["contractL2"],
                value_wei=told["l2Value"],
                gas_limit=told["gasLimit"],
                gas_price_wei=L2_GAS_PRICE_WEI,
                paid_wei=fee["paid"],
                refund_to=fee["refundRecipient"],
                data=told["data"],
            )
            make(self.world.l2.rpc, call)

    def given_back_wei(self) -> int:
        """What messages have left of their fees."""
        topics = [hexadecimal(MINT), "0x" + maker().address[2:].rjust(64, "0")]
        wanted = {"address": L2_ETHER, "topics": topics, "fromBlock": "0x0", "toBlock": "latest"}
        return sum(int(log["data"], 16) for log in self.world.l2.rpc("eth_getLogs", wanted))

    def _told(self, event: str) -> list[dict[str, Any]]:
        topic = hexadecimal(self.mailbox.topic(event))
        wanted = {"address": self.mailbox.address, "topics": [topic], "fromBlock": "0x0", "toBlock": "latest"}
        return [self.mailbox.event(event, log) for log in self.world.evm.rpc("eth_getLogs", wanted)]

    def _desk(self, chain: str) -> EvmDesk:
        pool = self.deps.l1 if chain == L1 else RpcPool(self.world.rpc_urls("l2"), L2_CHAIN_ID, self.world.clock)
        return EvmDesk(lambda _: self.deps.outbox, pool, self.deps.settings.outbox_policy, transfer_gas=21_000)


def deploy(world: World) -> None:
    """The contracts, on both chains."""
    nobody = cast("Child", None)
    nodes = [
        AnvilNode(name, world.site.urls[name][0], chain_id, nobody)
        for name, chain_id in (("evm", L1_CHAIN_ID), ("l2", L2_CHAIN_ID))
    ]
    deploy_world(*nodes)


def deployer() -> str:
    """Who deploys: its nonces say where each contract is."""
    return dev_account(SEED, "deployer").address


def amount(number: int) -> int:
    """What the order of this number moves: small enough for two confirmations."""
    return ETHER // 50 + number
