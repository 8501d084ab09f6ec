"""A contract that logs as often as it is told, and what the chain says it logged."""

from infra.local.anvil import AnvilNode
from kernel.evm.addresses import checksum

#: Calldata: a topic and a number n. Logs the topic and n, the topic and n - 1, ... the topic and 1; the data is the
#: block's number. Number, store it; load n; loop: is it 0? log2(0, 32, topic, n), n - 1.
CODE = "0x436000526020355b8015601d57806000356020" + "6000a260019003600756" + "5b00"
TOPIC = bytes([0x11]) * 32
OTHER_TOPIC = bytes([0x22]) * 32
GAS = 29_000_000


class Emitter:
    """The contract at an address of its own, called by the node's first account."""

    def __init__(self, node: AnvilNode, address: str = "0x" + "c0" * 20) -> None:
        self.node, self.address = node, checksum(address)
        self.caller: str = node.rpc("eth_accounts")[0]
        node.rpc("anvil_setCode", self.address, CODE)

    def call(self, count: int = 1, topic: bytes = TOPIC) -> dict[str, str]:
        """A transaction that logs `count` times."""
        calldata = "0x" + topic.hex() + count.to_bytes(32, "big").hex()
        return {"from": self.caller, "to": self.address, "gas": hex(GAS), "data": calldata}

    def emit(self, count: int = 1, topic: bytes = TOPIC) -> None:
        """Log `count` times in a block of its own."""
        self.node.send(**self.call(count, topic))

    def emit_each(self, *counts: int) -> None:
        """Log so often in each of so many blocks, one after the other."""
        for count in counts:
            self.emit(count)

    def reorganise(self, depth: int, counts: list[tuple[int, int]] | None = None) -> None:
        """Replace the newest `depth` blocks; `counts` are (offset, count): in which new blocks to log, how often."""
        self.node.rpc("anvil_reorg", depth, [[self.call(count), offset] for offset, count in counts or []])

    def logged(self, first: int = 0, last: int | None = None) -> list[tuple[str, str, int]]:
        """What the chain has now: (block hash, transaction hash, log index), in order."""
        wanted = {"address": self.address, "fromBlock": hex(first), "toBlock": "latest" if last is None else hex(last)}
        logs = self.node.rpc("eth_getLogs", wanted)
        return [(log["blockHash"], log["transactionHash"], int(log["logIndex"], 16)) for log in logs]
