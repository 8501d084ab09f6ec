"""One generation of the bridge's world, and the product's readers of it, over endpoints that may be faulty."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from functions.bridge.adapters.evm_origin import EvmOrigin, Terms
from functions.bridge.adapters.registry import Registry
from functions.bridge.core.finality import FLOOR
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Family, Payment, Version, chain_of, transfer_call
from infra.local.anvil import AnvilNode
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.world import ORIGIN, Wish, World
from infra.local.flare.accounts import dev_account
from infra.local.flare.contracts import artifact
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.blocks import Log
from kernel.evm.rpc import RpcPool
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue

ROLE = "counterpart_bridge"
RECIPIENT = dev_account("bridge", "recipient").address
STRANGER = dev_account("bridge", "stranger").address
AMOUNT_WEI, FEE_WEI = 10**16, 10**15
GAS = 3_000_000
ETHER = 10**18
#: Where the escrow counts its orders: after its owner.
ORDER_ID_SLOT = 1


@dataclass
class Scene:
    """What is read of one registry and one escrow; every reader made here is a new process."""

    world: World
    version: Version
    clock: FakeClock = field(default_factory=FakeClock)
    database_url: str = ""

    def __post_init__(self) -> None:
        self.generation = self.world.generations[self.version]
        self.maker = self.generation.market_maker.address
        self.relayer = Relayer(self.world)
        self.postgres = Postgres(self.database_url, self.clock, role=ROLE)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)

    def l1(self, *urls: str) -> RpcPool:
        """Whoever is left out is compared with the others again at once: tests move faster than chains do."""
        return RpcPool(urls or (self.world.l1.url,), self.world.l1.chain_id, self.clock, survey_ttl_s=0.0)

    def l2(self, *urls: str) -> RpcPool:
        """The same of the origin."""
        return RpcPool(urls or (self.world.l2.url,), self.world.l2.chain_id, self.clock, survey_ttl_s=0.0)

    def registry(self, *urls: str) -> Registry:
        """The registry as the product reads it."""
        return Registry(self.l1(*urls), self.generation.registry.address, self.version)

    def origin(self, *urls: str, registry: Registry | None = None, **terms: Any) -> EvmOrigin:
        """The origin as the product reads it."""
        told = Terms(
            name=ORIGIN,
            chain_id=self.world.l2.chain_id,
            escrow=self.generation.escrow.address,
            start_block=self.world.escrow_block,
            account=self.maker,
            table=FLOOR,
            block_s=2.0,
            finality_s=1_200.0,
        )
        return EvmOrigin(
            self.postgres,
            self.tasks,
            self.l2(*urls),
            registry or self.registry(),
            replace(told, **terms),
            payer=self.maker,
            clock=self.clock,
        )

    def lock(self, number: int = 0, recipient: str = RECIPIENT, version: Version | None = None) -> Deposit:
        """A user locks an order, each of another amount."""
        [deposit] = self.world.lock([self.wish(number, recipient, version)])
        return deposit

    def wish(self, number: int = 0, recipient: str = RECIPIENT, version: Version | None = None) -> Wish:
        """The order of one user."""
        return Wish(
            user=self.world.users[number],
            version=version or self.version,
            recipient=recipient,
            amount_wei=AMOUNT_WEI + number,
            fee_wei=FEE_WEI,
        )

    def payment(self, deposit: Deposit, amount_wei: int | None = None) -> Payment:
        """What fills an order."""
        return Payment(
            order_id=deposit.key.order_id,
            recipient="0x" + deposit.recipient.to_bytes(20, "big").hex(),
            amount_wei=deposit.amount_wei if amount_wei is None else amount_wei,
            chain=chain_of(self.version, Family.ZKSYNC),
        )

    def pay(self, *deposits: Deposit, by: str = "", amount_wei: int | None = None) -> dict[str, Any]:
        """Pay orders through the registry; the last one's receipt."""
        for deposit in deposits:
            payment = self.payment(deposit, amount_wei)
            receipt = self.call(transfer_call(self.version, payment), payment.amount_wei, by=by)
        return receipt

    def call(self, data: bytes, value_wei: int, *, by: str = "", gas: int = GAS) -> dict[str, Any]:
        """Call the registry, and have that succeed."""
        receipt = sent(self.world.l1, by or self.maker, self.generation.registry.address, data, value_wei, gas)
        assert receipt["status"] == "0x1", receipt
        return receipt

    def close(self, *deposits: Deposit) -> None:
        """Pay and claim orders, and have the relayer tell the escrow: one message each."""
        self.pay(*deposits)
        for deposit in deposits:
            claim = self.origin().claim(self.version, [self.payment(deposit)])
            self.call(claim.data, claim.value_wei)
        self.carry()

    def carry(self) -> None:
        """Have the relayer tell the escrow what was claimed."""
        self.relayer.turn()
        self.world.l2.wait_until_mined()

    def skip_to_order(self, order_id: int) -> None:
        """Have the escrow count on from here."""
        address = self.generation.escrow.address
        self.world.l2.rpc("anvil_setStorageAt", address, hex(ORDER_ID_SLOT), "0x" + order_id.to_bytes(32, "big").hex())

    def heard(self) -> list[EvmEvent]:
        """Every delivery, in the order of its sequence."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select payload from kernel.tasks where kind = 'bridge.chain_events'")
        told = sorted((Delivery.from_json(row["payload"]) for row in rows), key=lambda one: one.sequence)
        return [event for one in told if isinstance(event := one.event, EvmEvent)]

    def event(self, deposit: Deposit) -> EvmEvent:
        """The event of a deposit, as the chain has it."""
        told = self.world.l2.rpc("eth_getTransactionReceipt", "0x" + deposit.transaction_hash.hex())["logs"][0]
        log = Log.from_rpc(told)
        return EvmEvent(chain_id=self.world.l2.chain_id, **{name: getattr(log, name) for name in Log.__slots__})


def sent(node: AnvilNode, sender: str, to: str, data: bytes, value_wei: int = 0, gas: int = GAS) -> dict[str, Any]:
    """The receipt of a call by whomever; the sender always has enough."""
    node.rpc("anvil_impersonateAccount", sender)
    node.rpc("anvil_setBalance", sender, hex(10**6 * ETHER))
    hashed = node.send(
        **{"from": sender, "to": to, "data": f"0x{data.hex()}", "value": hex(value_wei), "gas": hex(gas)}
    )
    node.wait_until_mined()
    receipt: dict[str, Any] = node.rpc("eth_getTransactionReceipt", hashed)
    return receipt


def deployed(node: AnvilNode, name: str, arguments: Sequence[Any] = ()) -> str:
    """Deploy one of the bridge's contracts; its address."""
    node.rpc("anvil_impersonateAccount", STRANGER)
    node.rpc("anvil_setBalance", STRANGER, hex(ETHER))
    data = artifact(name, "bridge").constructor(*arguments)
    hashed = node.send(**{"from": STRANGER, "data": f"0x{data.hex()}"})
    return str(node.rpc("eth_getTransactionReceipt", hashed)["contractAddress"])
