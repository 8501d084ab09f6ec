"""An intent as its row has it."""

from collections.abc import Mapping
from typing import Any

from functions.netting.adapters.signatures import text_of
from functions.netting.core.intents import IntentType, SignedIntent
from kernel.errors import NotFound


class IntentUnknown(NotFound):
    """There is no such intent."""

    cause = "The id is misspelt, or the intent was refused: what is refused is not kept."
    remedy = "Look at the answer with which it was posted."


def signed_intent(row: Mapping[str, Any]) -> SignedIntent:
    """What was signed of a row of netting.intents."""
    return SignedIntent(
        id=row["id"],
        session=row["session"],
        owner=row["owner"],
        item_id=row["item_id"],
        seller=row["seller"],
        buyer=row["buyer"],
        amount_lamports=row["amount_lamports"],
        nonce=int(row["nonce"]),
        created_at=row["created_at_ms"],
        kind=IntentType(row["kind"]),
        listing_id=row["listing_id"],
    )


def published(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of netting.intents in the API's names: as it was signed, with its signatures."""
    listing = {} if row["listing_id"] is None else {"listingId": row["listing_id"]}
    return {
        "id": row["id"],
        "sessionPubkey": row["session"],
        "ownerPubkey": row["owner"],
        "itemId": row["item_id"],
        "from": row["seller"],
        "to": row["buyer"],
        "amountLamports": str(row["amount_lamports"]),
        "nonce": int(row["nonce"]),
        "createdAt": row["created_at_ms"],
        "intentType": row["kind"],
        **listing,
        "signature": text_of(row["signature"]),
        **_counter(row),
    }


def _counter(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["counter_signature"] is None:
        return {}
    return {"counterSignature": text_of(row["counter_signature"]), "counterSessionPubkey": row["counter_session"]}
