"""Owns what a trade intent must be before anything is looked up, and the bytes that are signed for it.

Nobody pays, and nobody sells, without having signed:

    TRADE     the seller's session signs; the buyer's counter-signs the same bytes
    BUY_NOW   the buyer's session signs; the seller signed the listing, at exactly this price
    BID       the buyer's session signs; it becomes a TRADE when the seller counter-signs

Who counter-signs does it by a session of theirs that may TRADE, and the payer's session is the one whose volume counts:
the buyer's, whether it signed first or second.

The signed bytes are compact JSON in UTF-8 of the fields in the order below, without the signatures; `listingId` is
there only if the intent names a listing. Amounts are text, so that no reader rounds them; a nonce is a u64.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from functions.netting.core.bounds import POSITION_LIMIT
from kernel.siws import is_address

NONCE_LIMIT: Final = 1 << 64
#: By so much may a clock be off, in either direction: priority cannot be back-dated.
WINDOW_MS: Final = 30_000
#: Crockford's base 32 of 128 bits: 26 digits, of which the first is at most 7.
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)

#: It is a part of an address of ours, unescaped.
_LISTING_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}", re.ASCII)


class IntentType(StrEnum):
    """Who has signed what."""

    TRADE = "TRADE"
    BUY_NOW = "BUY_NOW"
    BID = "BID"


class Refusal(StrEnum):
    """Why an intent is not taken."""

    BAD_ID = "bad_id"
    BAD_ADDRESS = "party_is_no_address"
    SELF_TRADE = "from_is_to"
    BAD_AMOUNT = "amount_out_of_range"
    BAD_NONCE = "nonce_out_of_range"
    BAD_TIME = "created_at_out_of_window"
    NOT_A_PARTY = "signer_is_not_its_party"
    LISTING_MISSING = "listing_missing"
    LISTING_UNKNOWN = "listing_unknown"
    LISTING_ENDED = "listing_ended"
    LISTING_DIFFERS = "listing_differs"
    PRICE_DIFFERS = "price_differs"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_EXPIRED = "session_expired"
    SESSION_REVOKED = "session_revoked"
    ACTION_NOT_ALLOWED = "action_not_allowed"
    VOLUME_EXCEEDED = "volume_exceeded"
    BAD_SIGNATURE = "bad_signature"
    COUNTER_SIGNATURE_MISSING = "counter_signature_missing"
    BAD_COUNTER_SIGNATURE = "bad_counter_signature"
    UNKNOWN_ITEM = "unknown_item"
    NONCE_USED = "nonce_used"
    ID_USED = "id_used"
    TOO_MANY = "too_many_intents"
    ITEM_NOT_OWNED = "item_not_owned"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIntent:
    """An intent as it was signed. `created_at` is the signer's clock in Unix milliseconds."""

    id: str
    session: str
    owner: str
    item_id: str
    seller: str
    buyer: str
    amount_lamports: int
    nonce: int
    created_at: int
    kind: IntentType
    listing_id: str | None = None

    @property
    def payer(self) -> str:
        """Whose volume and funds it needs."""
        return self.buyer

    @property
    def other_party(self) -> str:
        """Who has not signed it first."""
        return self.buyer if self.owner == self.seller else self.seller

    def paying_session(self, counter_session: str | None) -> str | None:
        """The session whose volume it takes; None for a TRADE that nobody has counter-signed."""
        return counter_session if self.kind is IntentType.TRADE else self.session


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a seller asks for an item, until Unix milliseconds `expires_at`."""

    id: str
    item_id: str
    seller: str
    price_lamports: int
    expires_at: int
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a session key may do for its owner. Volume is what its owner pays at most, all in all."""

    key: str
    owner: str
    max_volume_lamports: int
    used_volume_lamports: int
    allowed: Collection[IntentType]
    expires_at: int
    is_revoked: bool = False


def signed_bytes(intent: SignedIntent) -> bytes:
    """What every signature of the intent is over."""
    fields: dict[str, str | int] = {
        "id": intent.id,
        "sessionPubkey": intent.session,
        "ownerPubkey": intent.owner,
        "itemId": intent.item_id,
        "from": intent.seller,
        "to": intent.buyer,
        "amountLamports": str(intent.amount_lamports),
        "nonce": intent.nonce,
        "createdAt": intent.created_at,
        "intentType": intent.kind,
    }
    if intent.listing_id is not None:
        fields["listingId"] = intent.listing_id
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def listing_bytes(listing: Listing, nonce: int) -> bytes:
    """What a seller signs for an ask."""
    fields = {
        "listingId": listing.id,
        "itemId": listing.item_id,
        "seller": listing.seller,
        "priceLamports": str(listing.price_lamports),
        "expiresAt": listing.expires_at,
        "nonce": nonce,
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def withdrawal_bytes(listing: Listing) -> bytes:
    """What a seller signs to take an ask back; it is final, so it needs no nonce."""
    fields = {"withdrawListingId": listing.id, "seller": listing.seller}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def refusal_of_listing(listing: Listing, nonce: int, now: int) -> Refusal | None:
    """What is wrong with an ask whatever we know of the world; None if nothing. now: our clock, Unix ms."""
    rules = (
        (_LISTING_ID.fullmatch(listing.id) is None, Refusal.BAD_ID),
        (not 0 < listing.price_lamports < POSITION_LIMIT, Refusal.BAD_AMOUNT),
        (not 0 <= nonce < NONCE_LIMIT, Refusal.BAD_NONCE),
        (now >= listing.expires_at, Refusal.LISTING_ENDED),
    )
    return next((refusal for is_broken, refusal in rules if is_broken), None)


def refusal_of_itself(intent: SignedIntent, received_at: int) -> Refusal | None:
    """What is wrong with it whatever we know of the world; None if nothing. received_at: our clock, Unix ms."""
    party = intent.seller if intent.kind is IntentType.TRADE else intent.buyer
    rules = (
        (_ULID.fullmatch(intent.id) is None, Refusal.BAD_ID),
        (not (is_address(intent.seller) and is_address(intent.buyer)), Refusal.BAD_ADDRESS),
        (intent.seller == intent.buyer, Refusal.SELF_TRADE),
        (not 0 < intent.amount_lamports < POSITION_LIMIT, Refusal.BAD_AMOUNT),
        (not 0 <= intent.nonce < NONCE_LIMIT, Refusal.BAD_NONCE),
        (abs(received_at - intent.created_at) > WINDOW_MS, Refusal.BAD_TIME),
        (intent.owner != party, Refusal.NOT_A_PARTY),
        (intent.kind is IntentType.BUY_NOW and intent.listing_id is None, Refusal.LISTING_MISSING),
    )
    return next((refusal for is_broken, refusal in rules if is_broken), None)


def refusal_by_session(intent: SignedIntent, session: Session | None, now: int) -> Refusal | None:
    """What its session does not allow; the volume is reserved apart, because that must be atomic."""
    if session is None or session.owner != intent.owner:
        return Refusal.SESSION_UNKNOWN
    rules = (
        (session.is_revoked, Refusal.SESSION_REVOKED),
        (now >= session.expires_at, Refusal.SESSION_EXPIRED),
        (intent.kind not in session.allowed, Refusal.ACTION_NOT_ALLOWED),
    )
    return next((refusal for is_broken, refusal in rules if is_broken), None)


def refusal_by_counter_session(intent: SignedIntent, session: Session | None, now: int) -> Refusal | None:
    """What the counter-signer's session does not allow: with both parties' words, whatever it was, it is a TRADE."""
    return refusal_by_session(replace(intent, owner=intent.other_party, kind=IntentType.TRADE), session, now)


def refusal_by_listing(intent: SignedIntent, listing: Listing | None, now: int) -> Refusal | None:
    """What a purchase at a listing lacks: the seller has signed this item at this price, no more and no less."""
    if listing is None:
        return Refusal.LISTING_UNKNOWN
    rules = (
        (not listing.is_active or now >= listing.expires_at, Refusal.LISTING_ENDED),
        ((listing.item_id, listing.seller) != (intent.item_id, intent.seller), Refusal.LISTING_DIFFERS),
        (
            intent.kind is IntentType.BUY_NOW and intent.amount_lamports != listing.price_lamports,
            Refusal.PRICE_DIFFERS,
        ),
    )
    return next((refusal for is_broken, refusal in rules if is_broken), None)


def fits_volume(session: Session, amount_lamports: int) -> bool:
    """Whether the session's owner allows so much more."""
    return session.used_volume_lamports + amount_lamports <= session.max_volume_lamports
