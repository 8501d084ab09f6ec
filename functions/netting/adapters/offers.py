"""Owns bids until somebody takes them up: by a counter-signature of the seller's, or by nobody within an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.netting.adapters import sessions_read
from functions.netting.adapters.consents import counter_signer
from functions.netting.adapters.listings import held_listings
from functions.netting.adapters.refusals import error_of
from functions.netting.adapters.signatures import octets_of
from functions.netting.adapters.stored_intents import IntentUnknown, signed_intent
from functions.netting.adapters.volumes import release
from functions.netting.core.batching import LIFE_S
from functions.netting.core.intake import Consent, Offer, refusal_of_taking_up
from functions.netting.core.intents import SignedIntent
from functions.netting.core.times import unix_ms
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.postgres import Postgres, Queries, Transaction

if TYPE_CHECKING:
    from functions.netting.adapters.intent_views import CounterSignature

Q: Final = Queries.load(Path(__file__).with_name("intake.sql"))
#: Bids that end in one transaction.
MOST_ENDED: Final = 5_000
Row = Mapping[str, Any]


class OfferEnded(Conflict):
    """The bid cannot be taken up any more."""

    cause = "Somebody took it up, it was dropped, or it is older than an hour; or the intent never was a bid."
    remedy = "Ask the buyer for a new bid."


class Offers:
    """Bids that wait for the seller's word."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def take_up(self, intent_id: str, word: CounterSignature) -> Row:
        """The bid, now a trade that waits to be netted; the same word again changes nothing.

        Raises IntentUnknown, OfferEnded, or the error of the refusal.
        """
        now, signature = self._clock.now(), octets_of(word.counter_signature)
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["lock_intent"], id=intent_id)
            if row is None:
                raise IntentUnknown(id=intent_id)
            if row["counter_signature"] is not None and bytes(row["counter_signature"]) == signature:
                return row
            intent = signed_intent(row)
            if row["state"] != "offered" or unix_ms(now - timedelta(seconds=LIFE_S)) > intent.created_at:
                raise OfferEnded(id=intent_id)
            session = self._taker(tx, intent, word, now)
            return tx.one(Q["take_up_bid"], id=intent_id, signature=signature, session=session, now=now)

    def end_stale(self) -> int:
        """Drop bids that nobody took up within their life, and give their volume back; how many."""
        now = self._clock.now()
        before = unix_ms(now - timedelta(seconds=LIFE_S))
        with self._postgres.transaction() as tx:
            ended = [row["id"] for row in tx.all(Q["end_stale_bids"], before_ms=before, most=MOST_ENDED, now=now)]
            release(tx, ended)
        return len(ended)

    def _taker(self, tx: Transaction, intent: SignedIntent, word: CounterSignature, now: datetime) -> str | None:
        """The seller's session that counter-signed. Raises the error of what it, the bid's or the ask's end forbids."""
        named, party = word.counter_session_pubkey, intent.other_party
        tried = [named] if named else sessions_read.trading(tx, {party}, now)[party]
        signer = counter_signer(intent, octets_of(word.counter_signature), tried)
        listings = held_listings(tx, {intent.listing_id} - {None})
        sessions, _ = sessions_read.locked(tx, [intent.session, *([signer] if signer else [])])
        countered = Consent.FORGED if signer is None else Consent.GIVEN
        offer = Offer(intent=intent, signed=Consent.GIVEN, countered=countered, counter_session=signer)
        refusal = refusal_of_taking_up(offer, sessions, listings, unix_ms(now))
        if refusal is not None:
            raise error_of(refusal)
        return signer
