"""A wallet with a deposit box under test, and whoever pays into it."""

import json
from pathlib import Path
from typing import Any

from functions.ops.adapters.arrivals import KIND
from infra.local.anvil import AnvilNode
from kernel.chain_events import Delivery, EvmEvent
from kernel.evm.blocks import Log
from kernel.tasks import TaskSpec
from tests.handlers.ops.purse import ETHER, GWEI, Purse, evm_chain, fund

COLD = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
LEAST, CONFIRMATIONS = ETHER // 10, 3
TRANSFER_GAS = 30_000
RESERVE = TRANSFER_GAS * 200 * GWEI
BOX = json.loads(Path("infra/contracts/artifacts/treasury/DepositBox.json").read_text(encoding="utf-8"))


def purse_of(node: AnvilNode, database_url: str, *urls: str) -> Purse:
    """The treasury on a chain where three blocks make one final."""
    chain = evm_chain(node, *urls, confirmations=CONFIRMATIONS, transfer_gas=TRANSFER_GAS)
    return Purse(database_url, (chain,))


class Counter:
    """A wallet with a deposit box, and whoever pays into it."""

    def __init__(self, node: AnvilNode, purse: Purse) -> None:
        self.node, self.purse, self.chain = node, purse, f"evm:{node.chain_id}"
        self.wallet = purse.keep(self.chain)
        fund(node, self.wallet, 10)
        node.mine(CONFIRMATIONS)
        purse.declare(self.chain, self.wallet)
        purse.run()
        self.box = self.deploy(self.wallet)
        node.mine(CONFIRMATIONS)

    def deploy(self, wallet: str) -> str:
        """A deposit box of a wallet; its address."""
        code = BOX["bytecode"] + bytes(12).hex() + wallet.removeprefix("0x")
        receipt = self.send({"data": code, "gas": hex(1_000_000)})
        return str(receipt["contractAddress"])

    def open(self, *, address: str = "", forward_to: str | None = COLD, least: int = LEAST) -> tuple[int, Any]:
        """Declare the box as an inlet."""
        body = {
            "chain": self.chain,
            "address": address or self.box,
            "wallet": self.wallet,
            "forward_to": forward_to,
            "least_base_units": str(least),
            "reason": "a test",
        }
        return self.purse.call("http_inlets.declare", body=body)

    def pay(self, wei: int) -> EvmEvent:
        """Pay into the box; the event of it."""
        self.send({"to": self.box, "value": hex(wei)})
        return self.newest()

    def newest(self, box: str = "") -> EvmEvent:
        """The last log of a box."""
        return event_of(self.node, box or self.box)

    def check(self) -> str | None:
        """The verdict on the wallet now, everything so far being final."""
        self.node.mine(CONFIRMATIONS)
        return self.purse.check(self.chain, self.wallet)

    def tell(self, *events: EvmEvent) -> None:
        """What the intake does with a delivery."""
        now = self.purse.clock.now()
        specs = [
            TaskSpec(
                kind=KIND,
                business_key=event.identity,
                payload=Delivery(watch="any", sequence=0, event=event).to_json(),
                run_at=now,
            )
            for event in events
        ]
        self.purse.kernel.tasks.enqueue(specs)

    def run(self) -> None:
        """Everything that is due, a block before each."""
        self.purse.run(mine=self.node.mine)

    def ends(self) -> dict[str, str]:
        """How each told event's task ended."""
        with self.purse.kernel.postgres.transaction() as tx:
            rows = tx.all("select business_key, state from kernel.tasks where kind = %(kind)s", kind=KIND)
        return {row["business_key"]: row["state"] for row in rows}

    def send(self, transaction: dict[str, str]) -> dict[str, Any]:
        """A stranger's transaction, mined; its receipt."""
        sender = self.node.rpc("eth_accounts")[0]
        hashed = self.node.send(**{"from": sender, **transaction})
        receipt: dict[str, Any] = self.node.rpc("eth_getTransactionReceipt", hashed)
        return receipt


def event_of(node: AnvilNode, address: str) -> EvmEvent:
    """The last log of a contract, as a webhook tells it."""
    wanted = {"address": address, "fromBlock": "0x0", "toBlock": "latest"}
    node.child.wait_until(lambda: node.rpc("eth_getLogs", wanted) != [])
    log = Log.from_rpc(node.rpc("eth_getLogs", wanted)[-1])
    return EvmEvent(chain_id=node.chain_id, **{name: getattr(log, name) for name in Log.__slots__})
