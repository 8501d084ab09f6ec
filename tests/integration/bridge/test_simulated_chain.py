"""The simulated chains and two real nodes with the compiled contracts say the same to the same calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functions.bridge.core.escrow import pending_call
from functions.bridge.core.registry import (
    ZKSYNC_CHAIN_ID,
    Family,
    L2Gas,
    Payment,
    Version,
    chain_of,
    claim_call,
    transfer_call,
    transfer_key,
    transfers_call,
)
from infra.local.anvil import AnvilNode, RpcRefused
from infra.local.bridge.bootloader import ALIAS_WEI, alias
from infra.local.bridge.deployment import deploy_world
from infra.local.bridge.world import World
from kernel.evm.blocks import hexadecimal, octets, quantity
from kernel.evm.fees import Fees
from kernel.evm.transactions import UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.testing import FakeClock
from tests.integration.bridge.simulated_chain import GWEI, SimulatedChain
from tests.integration.bridge.simulated_contracts import Escrow, Mailbox, Registry, claim_payments, selector, set_order
from tests.integration.bridge.simulated_node import SimulatedNode

pytestmark = pytest.mark.integration

ETHER, GAS = 10**18, L2Gas(limit=100_000, per_pubdata_byte=800)
RECIPIENT, AMOUNT_WEI, FEE_WEI = "0x00000000000000000000000000000000000000B0", ETHER // 10, ETHER // 100
FEES = Fees(max_fee_wei=10 * GWEI, tip_wei=GWEI)


@dataclass
class Side:
    """One way of having both chains: how to ask, to send for the market maker, and to act for somebody on L2."""

    ask: Callable[..., dict[str, Any]]
    ask_l2: Callable[..., dict[str, Any]]
    mine: Callable[[], object]
    act: Callable[[str, str, int, bytes], object]  # sender, recipient, value and data, in a block of L2


def real(world: World) -> Side:
    """On two nodes."""

    def asking(node: AnvilNode) -> Callable[..., dict[str, Any]]:
        def ask(method: str, *params: object) -> dict[str, Any]:
            try:
                return {"result": node.rpc(method, *params)}
            except RpcRefused as refused:
                return {"error": {"code": refused.code, "message": str(refused)}}

        return ask

    def act(sender: str, to: str, value_wei: int, data: bytes) -> None:
        world.l2.rpc("anvil_impersonateAccount", sender)
        world.l2.rpc("anvil_setBalance", sender, hex(ALIAS_WEI))
        sent = {"from": sender, "to": to, "data": hexadecimal(data), "value": hex(value_wei), "gas": hex(500_000)}
        world.l2.send(**sent)

    return Side(asking(world.l1), asking(world.l2), world.l1.wait_until_mined, act)


def simulated(world: World) -> Side:
    """In this process, under the same addresses."""
    clock = FakeClock()
    l1 = SimulatedChain(world.l1.chain_id, clock, final_after=2)
    l2 = SimulatedChain(world.l2.chain_id, clock, final_after=2)
    mailbox = Mailbox(world.mailbox.address)
    l1.code[mailbox.address] = mailbox
    for version, one in world.generations.items():
        maker = one.market_maker.address
        l1.grant(maker, 1_000 * ETHER)
        l1.code[one.registry.address] = Registry(one.registry.address, version, mailbox, one.escrow.address, maker)
        l2.code[one.escrow.address] = Escrow(one.escrow.address, one.registry.address, maker)

    def act(sender: str, to: str, value_wei: int, data: bytes) -> None:
        l2.grant(sender, ALIAS_WEI)
        l2.act(sender, to, value_wei, data)
        l2.mine()

    def asking(node: SimulatedNode) -> Callable[..., dict[str, Any]]:
        return lambda method, *params: node.answer(method, params)

    return Side(asking(SimulatedNode(l1)), asking(SimulatedNode(l2)), l1.mine, act)


class Script:
    """What is done to either side, and what is to be seen of it."""

    def __init__(self, side: Side, world: World, version: Version) -> None:
        self.side, self.world, self.generation = side, world, world.generations[version]
        self.version, self.nonce = version, 0
        chain = chain_of(version, Family.ZKSYNC)
        self.payment = Payment(order_id=0, recipient=RECIPIENT, amount_wei=AMOUNT_WEI, chain=chain)

    def told(self) -> list[Any]:
        """An order's whole life, and what must be refused on the way."""
        escrow, registry = self.generation.escrow.address, self.generation.registry.address
        pays, claims = transfer_call(self.version, self.payment), self.claim()
        seen: list[Any] = [self.pending(), self.paid(), self.estimate(claims)]
        self.side.act(self.world.users[0].address, escrow, AMOUNT_WEI + FEE_WEI, set_order(0xB0, FEE_WEI))
        seen += [self.pending(), *self.logs(self.side.ask_l2, escrow)]
        seen += [self.estimate(pays), self.send(pays, AMOUNT_WEI), self.paid(), self.estimate(pays)]
        seen += [self.send(pays, AMOUNT_WEI), *self.logs(self.side.ask, registry)[:1]]
        seen += [self.base_cost(), self.own_mailbox(), self.estimate(claims), self.send(claims, self.fee_wei)]
        pays_back = claim_payments([(0, 0xB0, AMOUNT_WEI)])
        self.side.act(alias(registry), escrow, 0, pays_back)
        seen += [self.pending(), *self.logs(self.side.ask_l2, escrow), self.balance_l2()]
        return seen

    def claim(self) -> bytes:
        return claim_call(self.version, Family.ZKSYNC, [self.payment], GAS)

    @property
    def fee_wei(self) -> int:
        return 250_000_000 * GAS.limit

    def pending(self) -> Any:
        asked = {"to": self.generation.escrow.address, "data": hexadecimal(pending_call(0))}
        return self.side.ask_l2("eth_call", asked, "latest")["result"]

    def paid(self) -> Any:
        key = transfer_key(self.version, 0, RECIPIENT, AMOUNT_WEI, self.payment.chain)
        asked = {"to": self.generation.registry.address, "data": hexadecimal(transfers_call(key))}
        answer = octets(self.side.ask("eth_call", asked, "latest")["result"])
        return answer[64:96] if self.version == Version.V1 else answer

    def base_cost(self) -> Any:
        data = selector("l2TransactionBaseCost(uint256,uint256,uint256)")
        data += b"".join(number.to_bytes(32, "big") for number in (GWEI, GAS.limit, GAS.per_pubdata_byte))
        return self.side.ask("eth_call", {"to": self.world.mailbox.address, "data": hexadecimal(data)}, "latest")[
            "result"
        ]

    def own_mailbox(self) -> Any:
        asked = {"to": self.generation.registry.address, "data": hexadecimal(selector("zkSync()"))}
        return self.side.ask("eth_call", asked, "latest")["result"]

    def estimate(self, data: bytes) -> Any:
        """Whether it would go through, or the words with which it would not."""
        maker, registry = self.generation.market_maker.address, self.generation.registry.address
        value_wei = AMOUNT_WEI if data[:4] == transfer_call(self.version, self.payment)[:4] else self.fee_wei
        asked = {"from": maker, "to": registry, "value": hex(value_wei), "data": hexadecimal(data)}
        answer = self.side.ask("eth_estimateGas", asked, "latest", {maker: {"balance": hex(10**30)}})
        known = ("Transfer already processed.", "Transfer not found.")
        error = answer.get("error")
        return "goes through" if error is None else (error["code"], [one for one in known if one in error["message"]])

    def send(self, data: bytes, value_wei: int) -> Any:
        unsigned = UnsignedTransaction(
            chain_id=self.world.l1.chain_id,
            nonce=self.nonce,
            to=self.generation.registry.address,
            value_wei=value_wei,
            data=data,
            gas_limit=400_000,
            fees=FEES,
        )
        signed = LocalSigner(bytes(self.generation.market_maker.private_key)).sign_transaction(unsigned)
        assert self.side.ask("eth_sendRawTransaction", hexadecimal(signed.raw)) == {"result": hexadecimal(signed.hash)}
        self.side.mine()
        self.nonce += 1
        receipt = self.side.ask("eth_getTransactionReceipt", hexadecimal(signed.hash))["result"]
        maker = self.generation.market_maker.address
        used = self.side.ask("eth_getTransactionCount", maker, "latest")["result"]
        return receipt["status"], quantity(used)

    def logs(self, ask: Callable[..., dict[str, Any]], address: str) -> list[Any]:
        found = ask("eth_getLogs", {"address": address, "fromBlock": "0x0", "toBlock": "latest"})["result"]
        return [(one["topics"], one["data"]) for one in found if one["topics"][0] != OWNERSHIP]

    def balance_l2(self) -> Any:
        return self.side.ask_l2("eth_getBalance", self.generation.market_maker.address, "latest")["result"]


OWNERSHIP = "0x8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0"  # told when a contract is deployed


@pytest.mark.parametrize("version", Version)
def test_the_simulated_chains_say_what_real_ones_say(start_anvil: Callable[..., AnvilNode], version: Version) -> None:
    """Of an order's whole life: questions, events, refusals, receipts and balances."""
    world = deploy_world(start_anvil(), start_anvil(chain_id=31338))

    really = Script(real(world), world, version).told()
    told = Script(simulated(world), world, version).told()

    assert really == told
    assert ZKSYNC_CHAIN_ID == 324
