"""Owns the refusals of what wallets sign themselves: session keys, deposits, withdrawals."""

from kernel.errors import Conflict, Forbidden, Invalid, NotFound, Rejected


class WalletTransactionUnknown(NotFound):
    """There is no such transaction of a wallet's."""

    cause = "The id is misspelt, or nobody signed the offer within an hour, and it was forgotten."
    remedy = "Ask for a new offer."


class NotTheOffer(Rejected):
    """This is not the offered transaction with its wallet's signature."""

    status = 422
    cause = "The message differs from the offered one in some byte, or others than the wallet have signed it."
    remedy = "Let the wallet sign the transaction exactly as it was given, and send back what the wallet returns."
    example = '{"problem": "the wallet has not signed it"}'


class OfferExpired(Conflict):
    """The offered transaction cannot land any more."""

    cause = "A blockhash lives for a minute or so, and the signature came later, or a newer offer took its place."
    remedy = "Ask for a new offer, and sign it at once."


class TransactionWouldFail(Rejected):
    """The transaction would fail on the chain as it stands now."""

    status = 422
    cause = "A simulation was refused: the wallet cannot pay, has no such token, or the account is there already."
    remedy = "Correct what details name, and ask again; nothing was offered."
    example = '{"reason": "already_there"}'


class RequestChanged(Conflict):
    """This Idempotency-Key belongs to another request of the wallet."""

    cause = "The same key came with another amount, item or purpose."
    remedy = "Give a different request a different key."


class FundsMissing(Conflict):
    """The wallet has not locked so much."""

    cause = "The amount exceeds the wallet's locked funds, as they were last read of the finalized chain."
    remedy = "Ask for less, or wait until a deposit is final."


class HeldForBatch(Conflict):
    """What is to be withdrawn is spoken for."""

    cause = (
        "A batch on its way counts on the item or on the wallet's funds, or another withdrawal of them is under way."
    )
    remedy = "Ask again in a minute. Without us: ask the program itself, and withdraw after ten minutes."


class ItemNotHeld(Conflict):
    """The wallet is not the item's owner of record."""

    cause = "The item is not in escrow, was sold, or belongs to somebody else."
    remedy = "Read the item's owner at /v1/netting/items/{id}."


class ItemInEscrow(Conflict):
    """The item is in escrow already."""

    cause = "It was deposited before, and has an owner of record."
    remedy = "Nothing is to be done."


class SessionTermsUnfit(Invalid):
    """The session's terms are out of bounds, or not what its owner has signed."""

    status = 422
    code = "session_terms_unfit"
    cause = (
        "A limit is exceeded, or the text's last resource is not `counterpart:session:<key>:<max volume>:<expires at>`."
    )
    remedy = "Take the end from the text's Issued At and expiresInSeconds, and let the wallet sign just these terms."
    example = '{"field": "resources"}'


class SessionKeyUnknown(NotFound):
    """There is no such session key."""

    cause = "The id is misspelt, or a newer request for the same key took its place."
    remedy = "Take an id from GET /v1/netting/session-keys?owner=."


class SessionKeyTaken(Conflict):
    """This session key is registered already."""

    cause = "A session key is registered once, for one owner, and never again after it was revoked."
    remedy = "Make a new key."


class SessionKeyEnded(Conflict):
    """The session key is not in use."""

    cause = "It was never registered, or is revoked."
    remedy = "Nothing is to be done."


class TooManySessions(Forbidden):
    """The owner has too many session keys in use."""

    cause = "An owner has up to fifty that have neither ended nor been revoked."
    remedy = "Revoke one first."


class SessionTextTooLong(Rejected):
    """The signed text does not fit into a transaction."""

    status = 413
    cause = "The program reads the text from the transaction that registers the key, which has 1 232 bytes."
    remedy = "Sign a shorter statement, and no resources beside the session's own."
    example = '{"bytes": 1400}'
