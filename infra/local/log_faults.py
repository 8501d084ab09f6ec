"""What providers do to eth_getLogs: refuse wide ranges, and leave logs out."""

from typing import Any

Call = dict[str, Any]

METHOD = "eth_getLogs"


def refusal(call: Call, blocks_max: int | None) -> Call | None:
    """The refusal of a range of more than `blocks_max` blocks, in a provider's words; None where nothing is refused."""
    query = (call.get("params") or [{}])[0]
    if call.get("method") != METHOD or blocks_max is None or "blockHash" in query:
        return None
    first, last = (str(query.get(name, "")) for name in ("fromBlock", "toBlock"))
    if not (first.startswith("0x") and last.startswith("0x")) or int(last, 16) - int(first, 16) < blocks_max:
        return None
    error = {"code": -32005, "message": f"eth_getLogs is limited to a {blocks_max:,} block range"}
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": error}


def thinned(call: Call, answer: Call, left_out: int) -> Call:
    """The answer without its last `left_out` logs."""
    if call.get("method") != METHOD or not left_out or not isinstance(answer.get("result"), list):
        return answer
    return {**answer, "result": answer["result"][:-left_out]}
