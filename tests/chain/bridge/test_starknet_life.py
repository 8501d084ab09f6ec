"""An order of Starknet from its deposit to its repayment: the handlers as they are, over a real L1 and the stand-in."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.starknet_origin import StarknetOrigin, StarknetTerms
from functions.bridge.adapters.starknet_rpc import StarknetPool
from functions.bridge.core.finality import FLOOR
from functions.bridge.core.starknet import joined
from functions.bridge.wiring import Settings, SignerDeps
from kernel.abi import uint_words
from kernel.treasury.reconciliation import Balanced
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.chain.bridge.scene import AMOUNT_WEI, RECIPIENT, Scene
from tests.chain.bridge.test_starknet_claims import FEE_WEI as MESSAGE_WEI
from tests.chain.bridge.test_starknet_claims import MESSAGE_EVENT
from tests.integration.bridge.house import House
from tests.integration.bridge.starknet.network import ACCOUNT, CHAIN_ID, ESCROW, Faults, Network

pytestmark = pytest.mark.chain

FEE_WEI = 10**15
ORDER_ID = 2**128 + 7
#: Two epochs, as anvil has it, and some.
FINAL_AFTER = 80
STATE = "select state, reason from bridge.orders"
BALANCES = "select name, balance from kernel.ledger_accounts where asset = %(asset)s and balance <> 0"


class StarknetHouse(House):
    """The bridge's containers between a real L1 and a network of Starknet."""

    def __init__(self, scene: Scene, database_url: str, network: Network, pool: StarknetPool) -> None:
        self.scene, self.network, self._starknet = scene, network, pool
        self._carried = 0
        key = scene.generation.market_maker.private_key
        super().__init__(database_url, scene.clock, key, lambda _: scene)  # type: ignore[arg-type, return-value]  # the stage of another network

    def _settings(self, signer: str) -> Settings:
        return Settings(
            l1_chain_id=self.scene.world.l1.chain_id,
            l1_rpc_urls=f"plain:{self.scene.world.l1.url}",
            registry_address=self.scene.generation.registry.address,
            registry_version=self.scene.version,
            signer=signer,
            claim_every_s=10,
        )

    def _container(self) -> Any:
        origins: dict[str, Origin] = {}
        deps = SignerDeps(self.kernel, self.settings, origins=origins, ether=self.ether)
        terms = StarknetTerms(
            name="starknet",
            escrow=hex(ESCROW),
            start_block=0,
            account=hex(ACCOUNT),
            table=FLOOR,
            block_s=2.0,
            finality_s=60.0,
        )
        registry, payer = deps.registry, self.settings.signer
        origins["starknet"] = StarknetOrigin(
            self.kernel.postgres, deps.tasks, self._starknet, registry, terms, payer=payer, clock=self.clock
        )
        return deps

    def _open_wallets(self) -> None:
        chain, signer = self.settings.l1_chain, self.settings.signer
        wallet = OperatorWallet(service="bridge", chain=chain, address=signer, floor=0, target=0)
        Treasury(self.office, self._desk, self.clock).declare(wallet, actor="a test", reason="a test")
        self.finalise()
        self.check(chain)

    def _desk(self, chain: str) -> Any:
        from kernel.treasury.evm import EvmDesk

        return EvmDesk(lambda _: self.deps.outbox, self.deps.l1, self.settings.outbox_policy, transfer_gas=21_000)

    def finalise(self) -> None:
        """Whatever is mined on L1 is final."""
        self.scene.world.l1.rpc("anvil_mine", hex(FINAL_AFTER))

    def carry(self) -> int:
        """Have the escrow obey the messages that the core contract took; how many are new."""
        asked = {"address": self.scene.world.starknet.address, "fromBlock": "0x0", "topics": [MESSAGE_EVENT]}
        logs = self.scene.world.l1.rpc("eth_getLogs", asked)
        for log in logs[self._carried :]:
            octets = bytes.fromhex(log["data"][2:])
            id_low, id_high, _, amount_low, amount_high = uint_words(octets, len(octets) // 32)[4:]
            self.network.mine(self.network.claim_payment(joined(id_low, id_high), joined(amount_low, amount_high)))
        new, self._carried = len(logs) - self._carried, len(logs)
        return new

    def until(self, state: str) -> None:
        """Work, and let time pass, until the order is there; it must be before half an hour has passed."""
        for _ in range(60):
            self.minute()
            self.work()
            [order] = self.rows(STATE)
            if order["state"] == state:
                return
            self.finalise()
            self.wait(30.0)
        raise AssertionError(order)

    def balances(self, asset: str) -> dict[str, int]:
        """What the books hold of an asset."""
        return {row["name"]: int(row["balance"]) for row in self.rows(BALANCES, asset=asset)}


@pytest.fixture
def house(scene: Scene, database_url: str) -> Iterator[StarknetHouse]:
    """Either generation, two endpoints of Starknet, and books that are open."""
    with ExitStack() as stack:
        network = Network()
        network.mine()
        urls = [stack.enter_context(network.endpoint(Faults())) for _ in range(2)]
        pool = StarknetPool(urls, CHAIN_ID, scene.clock, survey_ttl_s=0.0)
        house = StarknetHouse(scene, database_url, network, pool)
        yield house
        house.close()
        pool.close()


def test_an_order_is_paid_claimed_and_repaid(house: StarknetHouse) -> None:
    """Once; what the books say of both chains is the truth to the wei."""
    network, recipient = house.network, int(RECIPIENT, 16)
    before_wei = int(house.scene.world.l1.rpc("eth_getBalance", RECIPIENT, "latest"), 16)
    network.mine(network.set_order(ORDER_ID, recipient=recipient, amount_wei=AMOUNT_WEI, fee_wei=FEE_WEI))
    house.minute()
    house.work()
    assert [{"state": "pending", "reason": "deposit_not_final"}] == house.rows(STATE)
    network.mine()

    house.until("proved")
    assert 1 == house.carry()
    house.until("proved")  # the escrow has repaid it, in a block that is not final
    network.accept_on_l1(network.chain.blocks[-1].number)
    house.until("completed")

    paid_wei = int(house.scene.world.l1.rpc("eth_getBalance", RECIPIENT, "latest"), 16) - before_wei
    l1, l2 = house.balances(f"{house.settings.l1_chain}:native"), house.balances("starknet:sepolia:native")
    assert (AMOUNT_WEI, 0) == (paid_wei, house.carry())
    assert {
        f"bridge:wallet:0x{ACCOUNT:064x}": AMOUNT_WEI + FEE_WEI,
        "bridge:exchanged": -AMOUNT_WEI,
        "bridge:earned": -FEE_WEI,
    } == l2
    assert (AMOUNT_WEI, MESSAGE_WEI) == (l1["bridge:exchanged"], l1["bridge:messages"])
    assert [] == [name for name in l1 if name.startswith("bridge:owed")]
    house.finalise()
    assert isinstance(house.check(house.settings.l1_chain), Balanced)


def test_a_deposit_that_is_reorganised_away_is_not_paid(house: StarknetHouse) -> None:
    """Before it is deep enough; and it is paid where it comes again."""
    network = house.network
    deposit = network.set_order(ORDER_ID, recipient=int(RECIPIENT, 16), amount_wei=AMOUNT_WEI, fee_wei=FEE_WEI)
    network.mine(deposit)
    house.minute()
    house.work()
    network.chain = network.chain.fork(1)
    network.mine()
    network.mine()
    house.until("dropped")
    assert [] == house.rows("select 1 from bridge.order_transfers")

    network.mine(deposit)
    network.mine()
    house.until("proved")

    assert 1 == house.carry()
