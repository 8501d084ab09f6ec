"""How a provider whose view of the chain stands still answers: nothing above its height exists."""

from dataclasses import dataclass
from typing import Any

Call = dict[str, Any]

# Where in the parameters each method takes its block.
BLOCK_PARAMETER = {
    "eth_getBlockByNumber": 0,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_feeHistory": 1,
    "eth_getStorageAt": 2,
}
HEAD_TAGS = frozenset(("latest", "pending"))
FINALITY_TAGS = frozenset(("safe", "finalized"))
# Answers that lie in a block; above the height they are not there yet.
PLACED = frozenset(
    ("eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByHash", "eth_getBlockReceipts")
)


@dataclass(frozen=True, slots=True)
class StaleView:
    """The chain as seen from `height`."""

    height: int

    def asks_for_finality(self, call: Call) -> bool:
        """Whether the answer depends on what is final."""
        return any(tag in FINALITY_TAGS for tag in _blocks_named(call))

    def rewritten(self, call: Call, finalized: int) -> Call:
        """The call to ask in place of `call`, so that the node answers for `height`."""
        params, method = list(call.get("params") or ()), call.get("method")
        place = BLOCK_PARAMETER.get(str(method))
        if place is not None:
            params += ["latest"] * (place + 1 - len(params))
            params[place] = self._bounded(params[place], finalized)
        elif method == "eth_getLogs" and params and "blockHash" not in params[0]:
            query = params[0]
            bounds = {name: self._bounded(query.get(name, "latest"), finalized) for name in ("fromBlock", "toBlock")}
            params[0] = {**query, **bounds}
        return {**call, "params": params}

    def seen(self, call: Call, answer: Call) -> Call:
        """The answer as far as it exists at `height`."""
        method, result = call.get("method"), answer.get("result")
        if method == "eth_blockNumber" and isinstance(result, str):
            return {**answer, "result": hex(min(self.height, int(result, 16)))}
        if method == "eth_getBlockByNumber" and self._above(_blocks_named(call)[0]):
            return {**answer, "result": None}
        if method == "eth_getLogs" and any(map(self._above, _blocks_named(call)[:1])):
            return {**answer, "result": []}
        first = result[0] if isinstance(result, list) and result else result
        if (
            method in PLACED
            and isinstance(first, dict)
            and self._above(first.get("blockNumber") or first.get("number"))
        ):
            return {**answer, "result": None}
        return answer

    def _bounded(self, block: object, finalized: int) -> object:
        if block in HEAD_TAGS or self._above(block):
            return hex(self.height)
        return hex(min(self.height, finalized)) if block in FINALITY_TAGS else block

    def _above(self, block: object) -> bool:
        return isinstance(block, str) and block.startswith("0x") and len(block) < 66 and int(block, 16) > self.height


def _blocks_named(call: Call) -> list[object]:
    params, method = list(call.get("params") or ()), str(call.get("method"))
    if method == "eth_getLogs" and params and "blockHash" not in params[0]:
        return [params[0].get("fromBlock", "latest"), params[0].get("toBlock", "latest")]
    place = BLOCK_PARAMETER.get(method)
    return [] if place is None else [params[place] if len(params) > place else "latest"]
