"""What a test does to a local network's chain: send, try, and move time."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from infra.local.flare.accounts import DevAccount
from infra.local.flare.contracts import artifact, explain
from infra.local.flare.deployment import NAMES
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node, NodeRefused
from infra.local.flare.transactions import Sender, Transaction

ARTIFACTS = [artifact(name) for name in NAMES]
TRY_GAS = 16_000_000


class Ledger:
    """Sends to the contracts of one network, as any of its accounts."""

    def __init__(self, network: FlareNetwork) -> None:
        self.network = network
        self._node = Node(network.rpc_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._node.__exit__(kind, error, at)

    def send(self, sender: DevAccount, name: str, data: bytes, *, value_wei: int = 0) -> dict[str, Any]:
        """The receipt of one transaction in a block of its own; TransactionReverted with the contract's reason."""
        to = self.network.address(name)
        self._node.call("evm_setAutomine", False)
        try:
            transaction = Transaction(sender=sender, to=to, data=data, value_wei=value_wei, note=name)
            return Sender(self._node, ARTIFACTS).mine([transaction])[0]
        finally:
            self._node.call("evm_setAutomine", True)

    def call(self, sender: DevAccount, name: str, function: str, *arguments: Any, value_wei: int = 0) -> dict[str, Any]:
        """The receipt of one call of a function."""
        return self.send(sender, name, self.network.contracts[name].data(function, *arguments), value_wei=value_wei)

    def attempt(self, name: str, data: bytes, sender: DevAccount | None = None, *, value_wei: int = 0) -> str:
        """What a call would answer now, without being sent: "accepted", or the reason of its revert."""
        return self.attempts(name, [data], sender, value_wei=value_wei)[0]

    def attempts(
        self, name: str, datas: Sequence[bytes], sender: DevAccount | None = None, *, value_wei: int = 0
    ) -> list[str]:
        """The same for many calls."""
        caller = (sender or self.network.governance).address
        fixed = {"from": caller, "to": self.network.address(name), "gas": hex(TRY_GAS), "value": hex(value_wei)}
        return [self._outcome({**fixed, "data": "0x" + data.hex()}) for data in datas]

    def answer(self, sender: DevAccount, name: str, data: bytes) -> bytes:
        """The raw answer of a call that is not sent."""
        call = {"from": sender.address, "to": self.network.address(name), "data": "0x" + data.hex()}
        return bytes.fromhex(self._node.call("eth_call", call, "latest")[2:])

    def now_s(self) -> int:
        """The time of the newest block, in seconds."""
        return int(self._node.latest_block()["timestamp"], 16)

    def move_to(self, time_s: int) -> None:
        """Let the next block have that time, in seconds."""
        self._node.call("evm_setNextBlockTimestamp", time_s)

    def block_time_s(self, receipt: dict[str, Any]) -> int:
        """The time of the block of a receipt, in seconds."""
        return int(self._node.call("eth_getBlockByNumber", receipt["blockNumber"], False)["timestamp"], 16)

    def _outcome(self, call: dict[str, Any]) -> str:
        try:
            self._node.call("eth_call", call, "latest")
        except NodeRefused as refused:
            return explain(refused.data, ARTIFACTS)
        return "accepted"
