"""The bridge between a run's Ethereum and a stand-in of Starknet, whose chain outlives every process as a file.

What the escrow there repays follows from what the core contract on Ethereum was told; each repayment is a block, and
a line of the file. A process that begins rebuilds the same blocks from it.
"""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Final

from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.starknet_origin import StarknetOrigin, StarknetTerms
from functions.bridge.adapters.starknet_rpc import StarknetPool
from functions.bridge.core.finality import FLOOR
from functions.bridge.core.starknet import joined
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import created_address
from kernel.abi import uint_words
from kernel.evm.blocks import hexadecimal, octets
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.crash.harness.bridge_desk import L1, BridgeDesk, Deps, amount, deploy, deployer, maker, recipient
from tests.crash.harness.world import World
from tests.integration.bridge.starknet.network import ACCOUNT, CHAIN_ID, ESCROW, Faults, Network

NAME: Final = "starknet"
ASSET: Final = "starknet:sepolia:native"
ORDER_ID: Final = 2**128 + 7
FEE_WEI: Final = 10**15
#: Where deploy_world puts the core contract, by the deployer's nonces.
_CORE: Final = 1


class StarknetDeps(Deps):
    """The same dependencies with one origin, which is not an EVM chain."""

    desk: "StarknetDesk"

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """Starknet."""
        terms = StarknetTerms(
            name=NAME,
            escrow=hex(ESCROW),
            start_block=0,
            account=hex(ACCOUNT),
            table=FLOOR,
            block_s=2.0,
            finality_s=10.0,
        )
        pool = StarknetPool(self.desk.urls, CHAIN_ID, self.clock)
        payer = self.settings.signer
        return {
            NAME: StarknetOrigin(
                self.kernel.postgres, self.tasks, pool, self.registry, terms, payer=payer, clock=self.clock
            )
        }


class StarknetDesk(BridgeDesk):
    """One process's bridge, and its own copy of the network."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.core = Contract(created_address(deployer(), _CORE), artifact("StarknetCore", "bridge"))
        self._history = world.site.path("starknet")
        self.network = Network()
        deposit = self.network.set_order(
            ORDER_ID, recipient=int(recipient(0), 16), amount_wei=amount(0), fee_wei=FEE_WEI
        )
        self.network.mine()
        self.network.mine(deposit)
        self.network.mine()
        self.network.mine()
        for line in self._history.read_text().splitlines() if self._history.exists() else ():
            self._repay(*json.loads(line))
        self.network.accept_on_l1(len(self.network.chain.blocks) - 1)
        self._listening = ExitStack()
        self.urls = [self._listening.enter_context(self.network.endpoint(Faults())) for _ in range(2)]

    @cached_property
    def deps(self) -> StarknetDeps:
        """As wiring.py builds them, but for the origin."""
        deps = StarknetDeps(self.kernel, self.settings(()), ether=self.ether)
        deps.desk = self
        return deps

    def open(self, orders: int = 1) -> None:
        """Deploy, and open the books of the one wallet that the treasury keeps."""
        if orders != 1:
            raise ValueError("one order of Starknet is enough")
        deploy(self.world)
        self.world.evm.mine(4)
        treasury = Treasury(self.world.postgres_as("counterpart_ops"), self._desk, self.world.clock)
        wallet = OperatorWallet(service="bridge", chain=L1, address=maker().address, floor=0, target=0)
        treasury.declare(wallet, actor="crash", reason="a scenario")
        self.checked(L1)

    def pass_time(self) -> None:
        """Blocks on Ethereum, and the repayments that its messages have the escrow make, accepted on L1 at once."""
        self.world.evm.mine()
        for order_id, amount_wei in self.told()[self.repaid() :]:
            with self._history.open("a") as history:
                history.write(json.dumps([order_id, amount_wei]) + "\n")
            self._repay(order_id, amount_wei)
        self.network.accept_on_l1(len(self.network.chain.blocks) - 1)

    def told(self) -> list[tuple[int, int]]:
        """Orders and amounts of the messages that the core contract took, in their order."""
        topic = hexadecimal(self.core.topic("LogMessageToL2"))
        wanted = {"address": self.core.address, "topics": [topic], "fromBlock": "0x0", "toBlock": "latest"}
        return [_claimed(octets(log["data"])) for log in self.world.evm.rpc("eth_getLogs", wanted)]

    def repaid(self) -> int:
        """How many repayments the network has seen."""
        return len(self._history.read_text().splitlines()) if self._history.exists() else 0

    def _repay(self, order_id: int, amount_wei: int) -> Any:
        return self.network.mine(self.network.claim_payment(order_id, amount_wei))


def _claimed(data: bytes) -> tuple[int, int]:
    """Id and amount: after offset, nonce, fee and length come id, recipient and amount, numbers in two halves."""
    id_low, id_high, _, amount_low, amount_high = uint_words(data, len(data) // 32)[4:]
    return joined(id_low, id_high), joined(amount_low, amount_high)
