"""Owns what is published of a batch, so that anybody can clear it again and compare: JSON, the same bytes every time.

    {"version": "1.0", "batch": …, "nettedAt": …,
     "counts": {"intents", "accepted", "skipped", "items", "wallets", "settlements", "transactions"},
     "accepted": [id, …] in priority order, "skipped": {id: reason}, "owners": {item: owner},
     "deltas": {wallet: lamports as text}, "resultHash", "itemsRoot", "stateRoot": hex}

Compact, keys ascending, UTF-8. `da_hash` is SHA-256 of these bytes. They are pinned compressed, and releases may
compress differently: whoever checks unpacks first.
"""

import json
from datetime import datetime
from uuid import UUID

from functions.netting.core.netting import Clearing


def metadata_bytes(
    batch: UUID,
    netted_at: datetime,
    clearing: Clearing,
    *,
    settlements: int,
    transactions: int,
    items_root: bytes,
    state_root: bytes,
) -> bytes:
    """What is pinned."""
    content = {
        "version": "1.0",
        "batch": str(batch),
        "nettedAt": netted_at.isoformat(),
        "counts": counts(clearing) | {"settlements": settlements, "transactions": transactions},
        "accepted": clearing.accepted,
        "skipped": clearing.skipped,
        "owners": clearing.final_owners,
        "deltas": {wallet: str(delta) for wallet, delta in clearing.deltas.items()},
        "resultHash": clearing.result_hash.hex(),
        "itemsRoot": items_root.hex(),
        "stateRoot": state_root.hex(),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def counts(clearing: Clearing) -> dict[str, int]:
    """How much a clearing is of everything."""
    accepted, skipped = len(clearing.accepted), len(clearing.skipped)
    return {
        "intents": accepted + skipped,
        "accepted": accepted,
        "skipped": skipped,
        "items": len(clearing.final_owners),
        "wallets": len(clearing.deltas),
    }
