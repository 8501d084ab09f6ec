"""Logs and transactions as nodes tell them, for the readers of deliveries."""

import copy
import json
from typing import Any

from infra.local.notices import Letter

CHAIN_ID = 1
CONTRACT = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
PROGRAM, PAYER = "Memo1111111111111111111111111111111111111111"[:43], "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
SIGNATURE = "5" * 88


def log(block: int = 100, index: int = 3, fork: int = 0, **changes: Any) -> dict[str, Any]:
    """A log in JSON-RPC's form."""
    return {
        "address": CONTRACT.lower(),
        "topics": ["0x" + "aa" * 32, "0x" + "bb" * 32],
        "data": "0x" + "0c" * 32,
        "blockNumber": hex(block),
        "blockHash": "0x" + (block * 1000 + fork).to_bytes(32, "big").hex(),
        "transactionHash": "0x" + (block * 1000 + 7).to_bytes(32, "big").hex(),
        "transactionIndex": "0x1",
        "logIndex": hex(index),
        "removed": False,
    } | changes


def transaction(**meta: Any) -> dict[str, Any]:
    """A transaction of one instruction, as getTransaction tells it."""
    return {
        "slot": 55,
        "blockTime": 1_795_176_000,
        "version": "legacy",
        "transaction": {
            "signatures": [SIGNATURE],
            "message": {
                "accountKeys": [PAYER, PROGRAM],
                "header": {"numRequiredSignatures": 1},
                "instructions": [{"programIdIndex": 1, "accounts": [0], "data": "3Bxs4h24hBtQy9rw"}],
                "recentBlockhash": "11111111111111111111111111111111",
            },
        },
        "meta": {
            "err": None,
            "fee": 5000,
            "innerInstructions": [],
            "loadedAddresses": {"writable": [], "readonly": []},
            "logMessages": [f"Program {PROGRAM} invoke [1]", "Program data: AQI=", f"Program {PROGRAM} success"],
            "preBalances": [10, 1],
            "postBalances": [5, 1],
        }
        | meta,
    }


def payload(letter: Letter) -> Any:
    """What a letter says."""
    return json.loads(letter.body)


def without(document: Any, path: str) -> Any:
    """A copy less one field."""
    copied = copy.deepcopy(document)
    *way, last = path.split(".")
    node = copied
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    del node[last]
    return copied


def altered(document: Any, path: str, value: Any) -> Any:
    """A copy with one field changed or added."""
    copied = copy.deepcopy(document)
    *way, last = path.split(".")
    node = copied
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return copied
