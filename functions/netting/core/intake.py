"""Owns which of the intents that came in one request are taken, and what the others lack.

They are looked at in the order in which they came, each beside what those before it have left of ids, nonces, volume
and room in this second. The rules, the first that is broken gives the refusal:

    1  an id that is taken answers as before if the same was signed, and is refused otherwise
    2  it is well formed, its signer is its party, and it was signed just now
    3  its session signed it, is its owner's, and may do this
    4  where the other party must have a say, a session of theirs that may trade has counter-signed
    5  the listing that it names is open, of this item and seller, and a purchase is at its price
    6  the item is known
    7  its nonce is new to its session
    8  the payer's session allows so much more, and the signer's session so many more in this second
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from functions.netting.core.intents import (
    IntentType,
    Listing,
    Refusal,
    Session,
    SignedIntent,
    fits_volume,
    refusal_by_counter_session,
    refusal_by_listing,
    refusal_by_session,
    refusal_of_itself,
)
from functions.netting.core.pace import Pace


class Consent(StrEnum):
    """Whether a party's word is there."""

    ABSENT = "absent"
    FORGED = "forged"
    GIVEN = "given"


class Taken(StrEnum):
    """How an intent was taken: now, or before, when the same came."""

    NEW = "new"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An intent with what its signatures are worth. `counter_session`: that counter-signed, or is said to have."""

    intent: SignedIntent
    signed: Consent
    countered: Consent = Consent.ABSENT
    counter_session: str | None = None

    @property
    def is_agreed(self) -> bool:
        """Whether everybody whose word it needs has given it; a bid without the seller's is only offered."""
        return self.intent.kind is not IntentType.BID or self.countered is Consent.GIVEN

    @property
    def payer(self) -> str:
        """The session whose volume it takes. ValueError for a TRADE that nobody has counter-signed."""
        session = self.intent.paying_session(self.counter_session)
        if session is None:
            raise ValueError("a TRADE that is taken was counter-signed")
        return session


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known at Unix milliseconds `now`, about everything that the intents name."""

    now: int
    sessions: Mapping[str, Session]
    paces: Mapping[str, Pace]
    listings: Mapping[str, Listing]
    items: Collection[str]
    known: Mapping[str, SignedIntent]
    nonces: Collection[tuple[str, int]]


class Gate:
    """Lets intents in one after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known = dict(world.known)
        self._nonces = set(world.nonces)
        self._lamports: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def verdict(self, offer: Offer) -> Taken | Refusal:
        """Whether it is taken; one that is new leaves less for those after it."""
        intent = offer.intent
        earlier = self._known.get(intent.id)
        if earlier is not None and offer.signed is Consent.GIVEN:
            return Taken.AGAIN if earlier == intent else Refusal.ID_USED
        refusal = self._refusal(offer)
        if refusal is not None:
            return refusal
        self._known[intent.id] = intent
        self._nonces.add((intent.session, intent.nonce))
        self._lamports[offer.payer] += intent.amount_lamports
        self._counts[intent.session] += 1
        return Taken.NEW

    def _refusal(self, offer: Offer) -> Refusal | None:
        intent, world = offer.intent, self._world
        return (
            refusal_of_itself(intent, world.now)
            or (Refusal.BAD_SIGNATURE if offer.signed is not Consent.GIVEN else None)
            or refusal_by_session(intent, world.sessions.get(intent.session), world.now)
            or refusal_by_counter(offer, world.sessions, world.now)
            or _refusal_by_listing(intent, world.listings, world.now)
            or (Refusal.UNKNOWN_ITEM if intent.item_id not in world.items else None)
            or (Refusal.NONCE_USED if (intent.session, intent.nonce) in self._nonces else None)
            or self._refusal_by_room(offer)
        )

    def _refusal_by_room(self, offer: Offer) -> Refusal | None:
        intent, payer, now = offer.intent, offer.payer, self._world.now
        if not fits_volume(self._world.sessions[payer], self._lamports[payer] + intent.amount_lamports):
            return Refusal.VOLUME_EXCEEDED
        pace = self._world.paces[intent.session].at(now)
        return Refusal.TOO_MANY if self._counts[intent.session] >= pace.room(now) else None


def refusal_by_counter(offer: Offer, sessions: Mapping[str, Session], now: int) -> Refusal | None:
    """What the other party's word lacks, where one is needed or came. A purchase needs none beside the ask."""
    if offer.countered is Consent.ABSENT:
        is_expected = offer.intent.kind is IntentType.TRADE or offer.counter_session is not None
        return Refusal.COUNTER_SIGNATURE_MISSING if is_expected else None
    is_purchase = offer.intent.kind is IntentType.BUY_NOW
    if is_purchase or offer.countered is Consent.FORGED or offer.counter_session is None:
        return Refusal.BAD_COUNTER_SIGNATURE
    return refusal_by_counter_session(offer.intent, sessions.get(offer.counter_session), now)


def refusal_of_taking_up(
    bid: Offer, sessions: Mapping[str, Session], listings: Mapping[str, Listing], now: int
) -> Refusal | None:
    """Why a bid cannot become a trade: what it needed when it came must still be so, beside the seller's word."""
    intent = bid.intent
    return (
        refusal_by_counter(bid, sessions, now)
        or refusal_by_session(intent, sessions.get(intent.session), now)
        or _refusal_by_listing(intent, listings, now)
    )


def _refusal_by_listing(intent: SignedIntent, listings: Mapping[str, Listing], now: int) -> Refusal | None:
    if intent.listing_id is None:
        return None
    return refusal_by_listing(intent, listings.get(intent.listing_id), now)
