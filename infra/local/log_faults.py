"""What providers do to logs: refuse wide ranges, leave logs out, change what they say, forget receipts."""

from typing import Any

from infra.local.faults import Faults

Call = dict[str, Any]

METHOD = "eth_getLogs"
RECEIPT = "eth_getTransactionReceipt"


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


def changed(call: Call, answer: Call, faults: Faults) -> Call:
    """The answer with what the identity does to logs."""
    if faults.logs_pruned:
        return pruned(call, answer)
    answer = thinned(call, with_l1_fee(call, answer, faults.l1_fee_wei), faults.logs_left_out)
    return forged(call, answer) if faults.logs_forged else answer


def with_l1_fee(call: Call, answer: Call, fee_wei: int) -> Call:
    """The answer with this fee in a receipt; where it is zero, as on a chain that is no OP-stack's."""
    result = answer.get("result")
    if call.get("method") != RECEIPT or not fee_wei or not isinstance(result, dict):
        return answer
    return {**answer, "result": {**result, "l1Fee": hex(fee_wei)}}


def thinned(call: Call, answer: Call, left_out: int) -> Call:
    """The answer without its last `left_out` logs."""
    if call.get("method") != METHOD or not left_out or not isinstance(answer.get("result"), list):
        return answer
    return {**answer, "result": answer["result"][:-left_out]}


def forged(call: Call, answer: Call) -> Call:
    """The answer with other data in each log, in receipts, too: the bloom cannot tell."""
    result = answer.get("result")
    if call.get("method") == METHOD and isinstance(result, list):
        return {**answer, "result": [_with_other_data(log) for log in result]}
    if call.get("method") == RECEIPT and isinstance(result, dict):
        return {**answer, "result": {**result, "logs": [_with_other_data(log) for log in result["logs"]]}}
    return answer


def pruned(call: Call, answer: Call) -> Call:
    """The answer of a node that has kept its blocks, and neither receipts nor logs."""
    empty: dict[object, object] = {METHOD: [], RECEIPT: None}
    return {**answer, "result": empty[call["method"]]} if call.get("method") in empty and "result" in answer else answer


def _with_other_data(log: dict[str, Any]) -> dict[str, Any]:
    return {**log, "data": "0x" + "ff" * 32}
