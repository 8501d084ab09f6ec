"""Owns the documents of listings, and the pages in which they come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from functions.netting.adapters.intent_views import LAST_MS, Amount, Key, Name, SignatureText, Signed, Whole, whole
from functions.netting.adapters.listings import cursor_after
from functions.netting.adapters.signatures import text_of
from functions.netting.core.intents import Listing
from functions.netting.core.times import unix_ms
from kernel.handler.http import Document

CURSOR: Final = r"^[0-9]{1,17}_[A-Za-z0-9._~-]{1,128}$"


class ListingFields(Signed):
    """What a seller signs for an ask."""

    listing_id: Name
    item_id: Name
    seller: Key
    price_lamports: Amount
    expires_at: Annotated[int, Field(strict=True, ge=0, le=LAST_MS), BeforeValidator(whole)]
    nonce: Whole


class ListingBody(ListingFields):
    """A signed ask; the wallet itself signs it."""

    signature: SignatureText

    @property
    def listing(self) -> Listing:
        """What was signed, beside the nonce."""
        return Listing(
            id=self.listing_id,
            item_id=self.item_id,
            seller=self.seller,
            price_lamports=int(self.price_lamports),
            expires_at=self.expires_at,
            is_active=True,
        )


class Withdrawal(Document):
    """The seller's word that an ask is no more: its signature over the bytes that functions/netting/README.md shows."""

    signature: SignatureText


class ListingView(ListingFields):
    """An ask and what became of it; an active one is open until it expires."""

    signature: str
    state: str
    is_open: bool
    listed_at: datetime
    moved_at: datetime


class ListingPage(Document):
    """A page, newest first; `next_cursor` continues it."""

    listings: list[ListingView]
    next_cursor: str | None


def listing_view(row: Mapping[str, Any], now: datetime) -> ListingView:
    """An ask as anybody sees it."""
    return ListingView(
        listing_id=row["listing_id"],
        item_id=row["item_id"],
        seller=row["seller"],
        price_lamports=str(row["price_lamports"]),
        expires_at=unix_ms(row["expires_at"]),
        nonce=int(row["nonce"]),
        signature=text_of(bytes(row["signature"])),
        state=row["state"],
        is_open=row["state"] == "active" and row["expires_at"] > now,
        listed_at=row["listed_at"],
        moved_at=row["moved_at"],
    )


def listing_page(rows: Sequence[Mapping[str, Any]], limit: int, now: datetime) -> ListingPage:
    """A page of asks; another follows a full one."""
    following = cursor_after(rows[-1]) if len(rows) == limit else None
    return ListingPage(listings=[listing_view(row, now) for row in rows], next_cursor=following)
