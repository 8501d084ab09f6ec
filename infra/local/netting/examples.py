"""What clients of netting send, each genuinely signed at a given moment: bodies of the events under events/netting."""

from datetime import datetime
from typing import Any, Final

from infra.local.netting.client import Intent, Listing
from infra.local.netting.permits import permit
from infra.local.netting.wallets import Wallet
from kernel import base58

SELLER: Final = Wallet.named("wallet 0")
BUYER: Final = Wallet.named("wallet 1")
ITEM: Final = "item-1"
LISTING_ID: Final = "listing-1"
PRICE_LAMPORTS: Final = 250_000_000
DAY_S: Final = 86_400


def trade(at: datetime) -> dict[str, Any]:
    """A sale that both have signed."""
    return _intent(at, "TRADE", "01KAGW0V00000000000000TRDE").signed()


def purchase(at: datetime) -> dict[str, Any]:
    """A purchase at the listing below."""
    return _intent(at, "BUY_NOW", "01KAGW0V00000000000000BVYN", listing_id=LISTING_ID).signed()


def listing(at: datetime) -> dict[str, Any]:
    """An ask for a day."""
    return Listing(
        id=LISTING_ID,
        item_id=ITEM,
        seller=SELLER,
        price_lamports=PRICE_LAMPORTS,
        expires_at=_unix_ms(at) + DAY_S * 1_000,
        nonce=1,
    ).signed()


def session(at: datetime) -> dict[str, Any]:
    """What lets a session key trade for a day."""
    volume = 10 * PRICE_LAMPORTS
    signed = permit(BUYER, max_volume_lamports=volume, expires_at=int(at.timestamp()) + DAY_S, issued_at=at)
    return {
        "ownerPubkey": BUYER.address,
        "sessionPubkey": BUYER.session.address,
        "maxVolumeLamports": str(volume),
        "expiresInSeconds": DAY_S,
        "allowedActions": ["TRADE", "BID", "BUY_NOW"],
        "text": signed.text,
        "signature": base58.encode(signed.signature),
    }


def _intent(at: datetime, kind: str, intent_id: str, **named: Any) -> Intent:
    return Intent(
        id=intent_id,
        item_id=ITEM,
        seller=SELLER,
        buyer=BUYER,
        amount_lamports=PRICE_LAMPORTS,
        nonce=1,
        created_at=_unix_ms(at),
        kind=kind,
        **named,
    )


def _unix_ms(at: datetime) -> int:
    return int(at.timestamp()) * 1_000
