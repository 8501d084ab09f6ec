"""Owns asks: a seller's signed word for an item at a price until a moment, and its withdrawal.

The seller's own wallet signs both. A purchase counts when it is received: an ask that runs out or is sold afterwards
does not undo it, but a seller who withdraws takes back whatever is not in a batch yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.netting.adapters.refusals import error_of
from functions.netting.adapters.signatures import Claim, are_true, octets_of
from functions.netting.adapters.volumes import release
from functions.netting.core.intents import Listing, Refusal, listing_bytes, refusal_of_listing, withdrawal_bytes
from functions.netting.core.times import moment_of, unix_ms
from kernel.clock import Clock
from kernel.moments import from_unix_us, unix_us
from kernel.postgres import Postgres, Queries, Transaction

if TYPE_CHECKING:
    from functions.netting.adapters.listing_views import ListingBody

Q: Final = Queries.load(Path(__file__).with_name("listings.sql"))
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which asks; None is any. is_open: only those at which anybody may buy now."""

    item_id: str | None = None
    seller: str | None = None
    state: str | None = None
    is_open: bool = False


class Listings:
    """Everybody's asks."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def take(self, body: ListingBody) -> Row:
        """Take an ask in; the same again finds itself. Raises the error of its refusal."""
        now, signature = self._clock.now(), octets_of(body.signature)
        ask = body.listing
        if not _is_signed(ask.seller, listing_bytes(ask, body.nonce), signature):
            raise error_of(Refusal.BAD_SIGNATURE)
        with self._postgres.transaction() as tx:
            found = tx.maybe(Q["listing"], listing_id=ask.id)
            if found is not None:
                return _same(found, ask, body.nonce)
            refusal = refusal_of_listing(ask, body.nonce, unix_ms(now)) or _refusal_by_item(tx, ask)
            if refusal is not None:
                raise error_of(refusal)
            stored = tx.maybe(Q["insert_listing"], **_columns(ask, body.nonce, signature), now=now)
            if stored is not None:
                return stored
            raced = tx.maybe(Q["listing"], listing_id=ask.id)  # the same id, from a request beside this one
            if raced is None:
                raise error_of(Refusal.NONCE_USED)
            return _same(raced, ask, body.nonce)

    def shown(self, listing_id: str) -> Row:
        """One ask. Raises ListingUnknown."""
        with self._postgres.transaction() as tx:
            return _known(tx.maybe(Q["listing"], listing_id=listing_id))

    def page(self, wanted: Wanted, *, limit: int, cursor: str | None) -> Sequence[Row]:
        """Asks, the newest first."""
        listed_at, after_id = _place(cursor)
        columns = {"item_id": wanted.item_id, "seller": wanted.seller, "state": wanted.state, "open": wanted.is_open}
        after = {"listed_at": listed_at, "after_id": after_id}
        with self._postgres.transaction() as tx:
            return tx.all(Q["listings"], **columns, **after, limit=limit, now=self._clock.now())

    def withdraw(self, listing_id: str, signature: str) -> Row:
        """Take an ask back, and drop the purchases that wait at it. One that is withdrawn or sold stays so.

        Raises ListingUnknown, BadSignature, ListingEnded.
        """
        now = self._clock.now()
        with self._postgres.transaction() as tx:
            row = _known(tx.maybe(Q["lock_listing"], listing_id=listing_id))
            if not _is_signed(row["seller"], withdrawal_bytes(listing_of(row)), octets_of(signature)):
                raise error_of(Refusal.BAD_SIGNATURE)
            if row["state"] == "withdrawn":
                return row
            withdrawn = tx.maybe(Q["withdraw_listing"], listing_id=listing_id, now=now)
            if withdrawn is None:
                raise error_of(Refusal.LISTING_ENDED)
            dropped = tx.all(Q["drop_purchases"], listing_id=listing_id, now=now)
            release(tx, [one["id"] for one in dropped])
        return withdrawn


def held_listings(tx: Transaction, ids: Collection[str | None]) -> dict[str, Listing]:
    """These asks as they stand, held until the transaction ends."""
    if not ids:
        return {}
    found = tx.all(Q["hold_listings"], ids=sorted(one for one in ids if one is not None))
    return {row["listing_id"]: listing_of(row) for row in found}


def listing_of(row: Row) -> Listing:
    """The ask of a row."""
    return Listing(
        id=row["listing_id"],
        item_id=row["item_id"],
        seller=row["seller"],
        price_lamports=row["price_lamports"],
        expires_at=unix_ms(row["expires_at"]),
        is_active=row["state"] == "active",
    )


def cursor_after(row: Row) -> str:
    """Where a page that ends with this ask is continued."""
    return f"{unix_us(row['listed_at'])}_{row['listing_id']}"


def _place(cursor: str | None) -> tuple[datetime | None, str | None]:
    """After which moment and id a page goes on."""
    if cursor is None:
        return None, None
    moment, _, listing_id = cursor.partition("_")
    return from_unix_us(int(moment)), listing_id


def _is_signed(key: str, message: bytes, signature: bytes) -> bool:
    return are_true([Claim(key, message, signature)])[0]


def _same(row: Row, ask: Listing, nonce: int) -> Row:
    """The row, if it is this very ask. Raises IdUsed."""
    stored = listing_bytes(listing_of(row), int(row["nonce"]))
    if stored != listing_bytes(ask, nonce):
        raise error_of(Refusal.ID_USED)
    return row


def _refusal_by_item(tx: Transaction, ask: Listing) -> Refusal | None:
    item = tx.maybe(Q["item_for_sale"], item_id=ask.item_id)
    if item is None:
        return Refusal.UNKNOWN_ITEM
    return None if item["owner"] == ask.seller else Refusal.ITEM_NOT_OWNED


def _known(row: Row | None) -> Row:
    if row is None:
        raise error_of(Refusal.LISTING_UNKNOWN)
    return row


def _columns(ask: Listing, nonce: int, signature: bytes) -> dict[str, Any]:
    return {
        "listing_id": ask.id,
        "item_id": ask.item_id,
        "seller": ask.seller,
        "price_lamports": ask.price_lamports,
        "expires_at": moment_of(ask.expires_at),
        "nonce": nonce,
        "signature": signature,
    }
