"""What the API's document says of JSON-RPC's bodies."""

from typing import Any, Final

from functions.barter.core.json_rpc import BATCH_MAX

_ADDRESS: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_CALL: Final = {
    "type": "object",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "method": {
            "type": "string",
            "description": "watchContract(address) -> null; getProof(address) -> {journal, seal}, bytes as numbers; "
            'getProofStatus(address) -> "Created", "InProgress", "Completed" or {"Errored": message}; '
            "getImageIDContract() -> Solidity; healthCheck() -> null.",
        },
        "params": {"oneOf": [{"type": "array"}, {"type": "object"}]},
        "id": {"type": ["string", "number", "null"], "description": "without one nothing is answered"},
    },
    "example": {"jsonrpc": "2.0", "method": "getProofStatus", "params": [_ADDRESS], "id": 1},
}
_ANSWER: Final = {
    "type": "object",
    "required": ["jsonrpc", "id"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "number", "null"]},
        "result": {},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "description": "-32001 is a refusal, whose catalogue code is in data; -32002 means later; else as JSON-RPC "
            "numbers them.",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {"type": "object"}},
        },
    },
}


def _one_or_more(schema: dict[str, Any]) -> dict[str, Any]:
    batch = {"type": "array", "items": schema, "minItems": 1, "maxItems": BATCH_MAX}
    return {"application/json": {"schema": {"oneOf": [schema, batch]}}}


BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _one_or_more(_CALL)}}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The answer, or a batch of answers.", "content": _one_or_more(_ANSWER)},
    204: {"description": "There were notifications only."},
}
