"""How a Solana provider answers that stands still, lies about heights, forgets signatures or invents them.

Balances and accounts are answered as they are: the node keeps no old ones.
"""

from collections.abc import Mapping
from typing import Any

from infra.local.faults import Faults

Call = dict[str, Any]

SEND_METHOD = "sendTransaction"
GENESIS_METHOD = "getGenesisHash"
HEIGHT_METHODS = frozenset(("getBlockHeight", "getLatestBlockhash"))
SLOT_METHODS = frozenset(("getSlot", "getBlockHeight", "getLatestBlockhash"))
SIGNATURE_METHODS = frozenset(("getSignatureStatuses", "getTransaction", "getSignaturesForAddress"))
METHODS = SLOT_METHODS | SIGNATURE_METHODS
# So many slots lie between what is processed and what is final.
FINALITY_SLOTS = 31


def befalls(call: Call, faults: Faults) -> bool:
    """Whether any of these faults changes the answer to this call."""
    lies = (faults.stale_slot is not None, bool(faults.height_offset), faults.signatures is not None)
    return call.get("method") in METHODS and any(lies)


def seen(call: Call, answer: Call, faults: Faults, processed_slot: int) -> Call:
    """The node's answer as this provider tells it. processed_slot: the newest slot of the node itself."""
    if "result" not in answer:
        return answer
    method, result = str(call["method"]), answer["result"]
    if faults.stale_slot is not None:
        result = _stale(method, result, faults.stale_slot, max(0, processed_slot - faults.stale_slot))
    if faults.height_offset and method in HEIGHT_METHODS and faults.means(method):
        result = _lowered(method, result, -faults.height_offset)
    if faults.signatures == "forgotten":
        result = _forgotten(method, result)
    if faults.signatures == "invented":
        result = _invented(method, result, processed_slot)
    return {**answer, "result": result}


def first_signature(encoded: str, options: Mapping[str, Any]) -> str:
    """The signature by which a transaction is known, from the parameters of sendTransaction."""
    import base64

    from kernel import base58  # only this rare fault needs it

    raw = base64.b64decode(encoded) if options.get("encoding") == "base64" else base58.decode(encoded)
    return base58.encode(raw[1:65])


def _stale(method: str, result: Any, slot: int, behind: int) -> Any:
    if method in SLOT_METHODS:
        return _lowered(method, result, behind)
    if method == "getSignatureStatuses":
        return {**result, "value": [_stale_status(status, slot) for status in result["value"]]}
    if method == "getSignaturesForAddress":
        return [line for line in result if line["slot"] <= slot]
    return None if result is None or result["slot"] > slot else result


def _stale_status(status: Any, slot: int) -> Any:
    if status is None or status["slot"] > slot:
        return None
    final = status["slot"] <= slot - FINALITY_SLOTS
    return {
        **status,
        "confirmations": None if final else slot - status["slot"],
        "confirmationStatus": "finalized" if final else "confirmed" if status["slot"] < slot else "processed",
    }


def _lowered(method: str, result: Any, by: int) -> Any:
    if method != "getLatestBlockhash":
        return max(0, result - by)
    value = result["value"]
    return {**result, "value": {**value, "lastValidBlockHeight": max(0, value["lastValidBlockHeight"] - by)}}


def _forgotten(method: str, result: Any) -> Any:
    if method == "getSignatureStatuses":
        return {**result, "value": [None] * len(result["value"])}
    if method in SIGNATURE_METHODS:
        return [] if method == "getSignaturesForAddress" else None
    return result


def _invented(method: str, result: Any, processed_slot: int) -> Any:
    if method != "getSignatureStatuses":
        return result
    final = {
        "slot": max(0, processed_slot - FINALITY_SLOTS),
        "confirmations": None,
        "err": None,
        "status": {"Ok": None},
    }
    invented = {**final, "confirmationStatus": "finalized"}
    return {**result, "value": [status or invented for status in result["value"]]}
