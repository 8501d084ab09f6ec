"""Owns how the refusals of intents and listings are told: to a single one as an error, among several by its code."""

from typing import Final

from functions.netting.core.intents import Refusal
from kernel.errors import Conflict, Forbidden, NotFound, Rejected


class IntentRefused(Rejected):
    """The intent is not taken."""

    status = 422
    cause = "One of the rules of intents is broken; the code says which."
    remedy = "Correct what the code names, and sign a new intent with a new id and nonce."


class BadId(IntentRefused):
    """The id is no ULID, or no id of a listing."""

    code = Refusal.BAD_ID
    cause = "An intent's id is 26 digits of Crockford's base 32 in capitals, the first of them at most 7."
    remedy = "Make a fresh ULID."


class PartyIsNoAddress(IntentRefused):
    """A party is no wallet on Solana."""

    code = Refusal.BAD_ADDRESS
    cause = "`from` or `to` is not 32 bytes in base58."


class FromIsTo(IntentRefused):
    """Nobody trades with themselves."""

    code = Refusal.SELF_TRADE
    cause = "`from` and `to` are the same wallet."


class AmountOutOfRange(IntentRefused):
    """The amount is none that can be paid."""

    code = Refusal.BAD_AMOUNT
    cause = "Amounts and prices are above 0 and below 10^12 lamports."


class NonceOutOfRange(IntentRefused):
    """The nonce is no u64."""

    code = Refusal.BAD_NONCE
    cause = "Nonces go from 0 to 2^64 - 1."


class CreatedAtOutOfWindow(IntentRefused):
    """The intent was not signed just now."""

    code = Refusal.BAD_TIME
    cause = "`createdAt` is more than 30 seconds before or after its arrival: priority cannot be back-dated."
    remedy = "Set the clock, and sign anew."


class SignerIsNotItsParty(IntentRefused):
    """Its owner is not the party who signs this type first."""

    code = Refusal.NOT_A_PARTY
    cause = "`ownerPubkey` is the seller in a TRADE and the buyer in a BUY_NOW or BID."


class ListingMissing(IntentRefused):
    """A purchase names the listing that it accepts."""

    code = Refusal.LISTING_MISSING
    cause = "A BUY_NOW came without `listingId`: only there the seller has signed."


class ListingUnknown(NotFound):
    """There is no such listing."""

    code = Refusal.LISTING_UNKNOWN
    cause = "The id is misspelt, or the listing was never taken in."
    remedy = "Take an id from GET /v1/netting/listings."


class ListingEnded(Conflict):
    """The listing is not open any more."""

    code = Refusal.LISTING_ENDED
    cause = "It was sold or withdrawn, or its `expiresAt` has passed; for a new one, its end is already over."
    remedy = "Look for another listing of the item."


class ListingDiffers(IntentRefused):
    """The listing is of another item or another seller."""

    code = Refusal.LISTING_DIFFERS
    cause = "`itemId` or `from` is not what the listing says."


class PriceDiffers(IntentRefused):
    """A purchase is at the listing's price."""

    code = Refusal.PRICE_DIFFERS
    cause = "The seller signed exactly one price: a buyer pays no more, and offers less by a BID."


class SessionUnknown(IntentRefused):
    """No such session key trades for this wallet."""

    code = Refusal.SESSION_UNKNOWN
    cause = "The key was never registered, its registration has not settled yet, or it is another owner's."
    remedy = "Register a session key by POST /v1/netting/session-keys/create, and wait until it is active."


class SessionExpired(IntentRefused):
    """The session key's time is over."""

    code = Refusal.SESSION_EXPIRED
    cause = "Its owner let it trade until a moment that has passed."
    remedy = "Register a new session key."


class SessionRevoked(IntentRefused):
    """The session key was revoked."""

    code = Refusal.SESSION_REVOKED
    cause = "Its owner took back what it may do."
    remedy = "Register a new session key."


class ActionNotAllowed(Forbidden):
    """The session key may not do this."""

    code = Refusal.ACTION_NOT_ALLOWED
    cause = "Its owner did not allow it this type; a counter-signature needs TRADE."
    remedy = "Register a session key that allows it."


class VolumeExceeded(IntentRefused):
    """The payer's session may not spend so much more."""

    code = Refusal.VOLUME_EXCEEDED
    cause = "All that the session has bought and bids for, and this, exceed what its owner allowed it."
    remedy = "Wait until intents of it are dropped, or register a session key with more volume."


class BadSignature(IntentRefused):
    """The signature is not over these bytes by that key."""

    code = Refusal.BAD_SIGNATURE
    cause = "The fields were changed, written in another way than the signed bytes, or another key signed."
    remedy = "Sign the compact JSON of the fields in their order, as functions/netting/README.md shows it."


class CounterSignatureMissing(IntentRefused):
    """A TRADE has both parties' signatures."""

    code = Refusal.COUNTER_SIGNATURE_MISSING
    cause = "The buyer pays, and has not signed."


class BadCounterSignature(IntentRefused):
    """No session of the other party counter-signed these bytes."""

    code = Refusal.BAD_COUNTER_SIGNATURE
    cause = "The counter-signature is over other bytes, or by a key that is no session of theirs that may trade."
    remedy = "Let a session of the other party sign the same bytes, and name it in `counterSessionPubkey`."


class UnknownItem(NotFound):
    """There is no such item."""

    code = Refusal.UNKNOWN_ITEM
    cause = "The item's id is misspelt, or the item was never registered."


class NonceUsed(Conflict):
    """The signer has used this nonce before."""

    code = Refusal.NONCE_USED
    cause = "A nonce is good for one intent of a session, or one listing of a seller."
    remedy = "Sign anew with another nonce."


class IdUsed(Conflict):
    """This id is taken by something else."""

    code = Refusal.ID_USED
    cause = "An intent or listing of this id came before, with other content."
    remedy = "Sign anew with another id."


class TooManyIntents(Rejected):
    """The session has signed too many intents in this second."""

    code = Refusal.TOO_MANY
    status = 429
    cause = "A session has 1 000 intents a second."
    remedy = "Send the same intents again after a second."


class ItemNotOwned(Conflict):
    """Only an item's owner offers it."""

    code = Refusal.ITEM_NOT_OWNED
    cause = "The seller is not the item's owner of record, or wants it back."
    remedy = "Deposit the item, or wait until the purchase of it is settled."


ERRORS: Final[dict[Refusal, type[Rejected]]] = {
    Refusal(error.code): error
    for error in (
        BadId,
        PartyIsNoAddress,
        FromIsTo,
        AmountOutOfRange,
        NonceOutOfRange,
        CreatedAtOutOfWindow,
        SignerIsNotItsParty,
        ListingMissing,
        ListingUnknown,
        ListingEnded,
        ListingDiffers,
        PriceDiffers,
        SessionUnknown,
        SessionExpired,
        SessionRevoked,
        ActionNotAllowed,
        VolumeExceeded,
        BadSignature,
        CounterSignatureMissing,
        BadCounterSignature,
        UnknownItem,
        NonceUsed,
        IdUsed,
        TooManyIntents,
        ItemNotOwned,
    )
}


def error_of(refusal: Refusal) -> Rejected:
    """What a caller is told who asked for this one thing."""
    return ERRORS[refusal]()
