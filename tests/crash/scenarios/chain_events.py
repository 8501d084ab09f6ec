"""A payment from outside by the real handlers: told by a signed webhook, booked once it is final, forwarded once."""

import json
from typing import Any

from functions.ops.adapters.arrivals import KIND
from functions.ops.adapters.hook_settings import HookSettings
from infra.local.notices import Alchemy
from infra.local.settings import ROOT
from kernel.treasury.evm import SUBMIT_KIND
from kernel.treasury.inlets import Inlet
from kernel.treasury.movements import State
from kernel.treasury.reconciliation import Balanced, Difference
from tests.crash.harness.chains import ETHER
from tests.crash.harness.evm_desk import CHAIN_ID, recipient
from tests.crash.harness.ops_container import CHAIN, OpsContainer
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.world import World

AMOUNT_WEI = ETHER // 5
BOX = json.loads((ROOT / "infra/contracts/artifacts/treasury/DepositBox.json").read_text(encoding="utf-8"))
WEBHOOK = Alchemy(key="crash-key", network="LOCAL")


class Container(OpsContainer):
    """One container that is told by a provider of webhooks, and the stranger who pays."""

    hooks = (HookSettings(provider="alchemy", secret=f"plain:{WEBHOOK.key}", networks={"LOCAL": CHAIN_ID}),)

    def send(self, **transaction: str) -> None:
        """A stranger's transaction, mined at once."""
        chain = self.world.evm
        chain.rpc("eth_sendTransaction", {"from": chain.rpc("eth_accounts")[0], **transaction})

    def box(self) -> str:
        """The deposit box: the first contract of the node's first account."""
        receipt = self.world.evm.rpc("eth_getBlockByNumber", "0x1", True)["transactions"][0]
        return str(self.world.evm.rpc("eth_getTransactionReceipt", receipt["hash"])["contractAddress"])

    def letters(self) -> list[Any]:
        """What the provider tells: the payment, the payment again, and that it was taken back, which is not so."""
        wanted = {"address": self.box(), "fromBlock": "0x0", "toBlock": "latest"}
        [log] = self.world.evm.rpc("eth_getLogs", wanted)
        place = (int(log["blockNumber"], 16), log["blockHash"], [log])
        return [WEBHOOK.block(*place), WEBHOOK.block(*place), WEBHOOK.block(*place, removed=True)]

    def tell(self) -> None:
        """What POST /hooks/alchemy does with each of them."""
        for letter in self.letters():
            self.deps.intake.take(letter.provider, dict(letter.headers), letter.body)


@scenario("chain-events", evm={}, needs=("aws",))
def chain_events(world: World) -> None:
    """A stranger pays once; a provider tells it until it is heard; the slice does the rest."""
    container = Container(world)
    world.once("a stranger pays", lambda: container.send(to=container.box(), value=hex(AMOUNT_WEI)))
    world.ask(container.tell)
    kinds = {kind: Served(kind, container.deps) for kind in (KIND, SUBMIT_KIND)}
    world.work(kinds, meanwhile=world.evm.mine)


@chain_events.preparation
def declare_an_inlet(world: World) -> None:
    """The wallet's key is sealed, its books are open, and what comes into its box goes on."""
    container = Container(world)
    container.send(data=BOX["bytecode"] + container.wallet.removeprefix("0x").rjust(64, "0"), gas=hex(1_000_000))
    container.open()
    address = container.deps.chains.desk(CHAIN).address(container.box())
    inlet = Inlet(chain=CHAIN, address=address, wallet=container.wallet, forward_to=recipient("cold"), least=AMOUNT_WEI)
    container.deps.deposits.declare(inlet, actor="crash", reason="a scenario")


@chain_events.verdict
def booked_and_forwarded_once(world: World) -> None:
    """One deposit and one confirmed forward, if anybody heard of it; else money that a person has to look at."""
    container = Container(world)
    deposits = world.rows("select key, amount from kernel.treasury_deposits")
    forwards = world.rows("select key, state from kernel.treasury_transfers")
    paid = world.evm.balance_wei(recipient("cold"))
    assert len(deposits) == 1 or (not deposits and not world.caller_returns), deposits
    assert [(one["key"], one["state"]) for one in forwards] == [(one["key"], State.CONFIRMED) for one in deposits]
    assert paid == AMOUNT_WEI * len(deposits), f"{paid} wei for {len(deposits)} deposits"
    world.evm.mine(3)  # nobody's blocks, where nobody had work: the payment is to be final for the check
    verdict = container.deps.checks.check(CHAIN, container.wallet)
    assert isinstance(verdict, Balanced if deposits else Difference), verdict
