"""What a local EVM chain says now of contracts and balances, asked past every fault."""

from typing import Any

from infra.local.anvil import AnvilNode
from infra.local.flare.contracts import Contract, from_hex


def logs(node: AnvilNode, contract: Contract, event: str, from_block: int = 0) -> list[dict[str, Any]]:
    """The logs of a contract's event, as the chain tells them now."""
    topic = "0x" + contract.topic(event).hex()
    wanted = {"address": contract.address, "topics": [topic], "fromBlock": hex(from_block), "toBlock": "latest"}
    found: list[dict[str, Any]] = node.rpc("eth_getLogs", wanted)
    return found


def ask(node: AnvilNode, contract: Contract, function: str, *arguments: Any) -> tuple[Any, ...]:
    """What a view of a contract answers now."""
    call = {"to": contract.address, "data": "0x" + contract.data(function, *arguments).hex()}
    return contract.answer(function, from_hex(node.rpc("eth_call", call, "latest")))


def balance(node: AnvilNode, address: str) -> int:
    """What an address holds now, in wei."""
    return int(node.rpc("eth_getBalance", address, "latest"), 16)
