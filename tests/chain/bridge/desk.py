"""The bridge over two real nodes: its handlers on a real Postgres, worked task by task, and everybody else by hand."""

from typing import Any

from functions.bridge.adapters.origin_settings import ZkSyncSettings
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Version
from functions.bridge.wiring import Settings, SignerDeps
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.world import ORIGIN, Wish, World
from infra.local.flare.accounts import dev_account
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.fees import GWEI
from kernel.evm.rpc import RpcPool
from kernel.tasks import TaskSpec
from kernel.testing import FakeClock
from kernel.treasury.evm import EvmDesk
from tests.chain.bridge.scene import ORDER_ID_SLOT
from tests.integration.bridge.house import L1, House

ETHER = 10**18
RECIPIENT = dev_account("bridge", "recipient").address
AMOUNT_WEI, FEE_WEI = ETHER // 100, ETHER // 100
ROUNDS_MAX = 60
L1_POLL_S = 1.0


class Desk(House):
    """One registry's market maker; its chains mine each transaction at once, and more when asked."""

    def __init__(
        self,
        world: World,
        version: Version,
        database_url: str,
        clock: FakeClock | None = None,
        *,
        is_first: bool = True,
        l1: tuple[str, ...] = (),
        l2: tuple[str, ...] = (),
    ) -> None:
        """l1, l2: the RPC identities that it is configured with; without them the nodes themselves."""
        self.world, self.version = world, version
        self.generation = world.generations[version]
        self.relayer = Relayer(world)
        self._urls = {"l1": l1 or (world.l1.url,), "l2": l2 or (world.l2.url,)}
        if is_first:
            self.mine(3)  # so that something is final
        key = bytes(self.generation.market_maker.private_key)
        super().__init__(database_url, clock or FakeClock(), key, lambda _: None, is_first=is_first)  # type: ignore[arg-type, return-value]  # no stage: the chains are real

    def mine(self, blocks: int = 1) -> None:
        """Both chains go on."""
        for node in (self.world.l1, self.world.l2):
            node.mine(blocks)

    def lock(
        self, amount_wei: int = AMOUNT_WEI, fee_wei: int = FEE_WEI, recipient: str = RECIPIENT, user: int = 0
    ) -> Deposit:
        """A user's order, in a block."""
        wish = Wish(
            user=self.world.users[user],
            version=self.version,
            recipient=recipient,
            amount_wei=amount_wei,
            fee_wei=fee_wei,
        )
        [deposit] = self.world.lock([wish])
        return deposit

    def count_on_from(self, order_id: int) -> None:
        """The next order gets this id."""
        word = "0x" + order_id.to_bytes(32, "big").hex()
        escrow = self.generation.escrow.address
        self.world.l2.rpc("anvil_setStorageAt", escrow, hex(ORDER_ID_SLOT), word)

    def turn(self, *, seconds: float = 5.0, mines: bool = True) -> None:
        """A minute's work and what happens meanwhile."""
        self.minute()
        self.work()
        if mines:
            self.mine()
            self.relayer.turn()
            self.world.l2.wait_until_mined()
        self.clock.advance(seconds)

    def until(self, state: str, *, deposit: Deposit | None = None, seconds: float = 5.0) -> dict[str, Any]:
        """Turns until the one order, or a deposit's, is in this state; its row."""
        for _ in range(ROUNDS_MAX):
            rows = self._rows(deposit)
            if rows and rows[0]["state"] == state:
                return rows[0]
            self.turn(seconds=seconds)
        raise AssertionError(f"never {state}: {rows}")

    def order(self, deposit: Deposit | None = None) -> dict[str, Any]:
        """The newest row of an order, of the only one by default."""
        return self._rows(deposit)[0]

    def _rows(self, deposit: Deposit | None) -> list[dict[str, Any]]:
        return self.rows(
            "select * from bridge.orders where %(id)s::numeric is null or order_id = %(id)s order by generation desc",
            id=None if deposit is None else deposit.key.order_id,
        )

    def payments(self) -> list[tuple[int, str, int]]:
        """What the registry has paid: id, recipient and amount, in the order of the chain."""
        told = self.world.payments(self.version)
        if self.version == Version.V2:
            return [(one["orderId"], one["destAddress"], one["amount"]) for one in told]
        return [(one["orderId"], _address(one["transferInfo"][0]), one["transferInfo"][1]) for one in told]

    def held(self, address: str = RECIPIENT) -> int:
        """Wei of somebody on L1."""
        return int(self.world.l1.rpc("eth_getBalance", address, "latest"), 16)

    def held_on(self, chain: str, address: str) -> int:
        """Wei of somebody on either chain."""
        node = self.world.l1 if chain == L1 else self.world.l2
        return int(node.rpc("eth_getBalance", address, "latest"), 16)

    def configure(self, **changes: Any) -> None:
        """The network is another from now on, in a fresh container."""
        [network] = self.settings.origins
        self.settings = self.settings.model_copy(update={"origins": (network.model_copy(update=changes),)})
        self.deps = self._container()

    def tell(self, event: EvmEvent, *, watch: str = f"bridge.{ORIGIN}.newest") -> str:
        """What the intake does with a webhook's event; the key of its task."""
        payload = Delivery(watch=watch, sequence=0, event=event).to_json()
        spec = TaskSpec(
            kind="bridge.chain_events", business_key=event.identity, payload=payload, run_at=self.clock.now()
        )
        self.kernel.tasks.enqueue([spec])
        return event.identity

    def ends(self) -> list[tuple[str, str, str | None]]:
        """How every task of the bridge stands: kind, state and words."""
        rows = self.rows("select kind, state, error from kernel.tasks where kind like 'bridge.%%' order by id")
        return [(row["kind"], row["state"], row["error"]) for row in rows]

    def _settings(self, signer: str) -> Settings:
        return Settings(
            l1_chain_id=self.world.l1.chain_id,
            l1_rpc_urls=f"plain:{' '.join(self._urls['l1'])}",
            l1_fee_cap_wei=20 * GWEI,
            l1_poll_s=L1_POLL_S,
            registry_address=self.generation.registry.address,
            registry_version=self.version,
            signer=signer,
            origins=(self._network(signer),),
            claim_every_s=10,
            message_timeout_s=600,
        )

    def _network(self, signer: str) -> ZkSyncSettings:
        return ZkSyncSettings(
            kind="zksync",
            name=ORIGIN,
            chain_id=self.world.l2.chain_id,
            rpc_urls=f"plain:{' '.join(self._urls['l2'])}",
            escrow=self.generation.escrow.address,
            start_block=self.world.escrow_block,
            account=signer,
            block_s=1.0,
            finality_s=10.0,
        )

    def _container(self) -> SignerDeps:
        return SignerDeps(self.kernel, self.settings, ether=self.ether)

    def _desk(self, chain: str) -> EvmDesk:
        pool = self.deps.l1 if chain == L1 else RpcPool(self._urls["l2"], self.world.l2.chain_id, self.clock)
        return EvmDesk(lambda _: self.deps.outbox, pool, self.settings.outbox_policy, transfer_gas=21_000)


def _address(word: int) -> str:
    return "0x" + word.to_bytes(20, "big").hex()
