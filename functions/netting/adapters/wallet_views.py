"""Owns the documents of what wallets sign: balances, session keys, deposits and withdrawals."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from functions.netting.adapters.intent_views import Key, Name, SignatureText, Signed, Whole
from functions.netting.adapters.wallet_refusals import NotTheOffer
from functions.netting.core.intents import IntentType
from functions.netting.core.session_terms import Terms
from functions.netting.core.wallet_transaction import OFFER_LIFE_S, State
from kernel.handler.http import Document
from kernel.moments import from_unix_us, unix_us
from kernel.signin import LONGEST_TEXT

if TYPE_CHECKING:
    from functions.netting.adapters.session_keys import SessionKey, SignedText
    from functions.netting.adapters.wallet_transactions import WalletTransaction

#: A moment in microseconds, of which seventeen digits are within the calendar, and an id.
CURSOR: Final = r"^[0-9]{1,17}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
ASKED_KEY: Final = r"^[A-Za-z0-9._-]{1,128}$"


#: Below 10^18: more lamports than there are.
Lamports = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}$")]
Packet = Annotated[str, StringConstraints(max_length=1_700, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Nonce(Document):
    """For one text, within five minutes."""

    nonce: str
    expires_in_s: int


class BalanceView(Document):
    """A wallet's funds in the program, as last read of the finalized chain.

    `available` is what neither the wallet has asked back by itself nor a batch or a withdrawal has spoken for.
    """

    wallet: str
    locked_lamports: str
    requested_lamports: str
    reserved_lamports: str
    available_lamports: str
    slot: int | None
    read_at: datetime | None


class OfferView(Document):
    """A transaction for the wallet to sign at once, and what became of it.

    `transaction` is the whole of it in base64, with zeros where signatures belong: what wallets take.
    """

    id: UUID
    kind: str
    wallet: str
    subject: str
    amount_lamports: str | None
    transaction: str
    last_valid_block_height: int
    expires_at: datetime = Field(description="What is signed later will hardly land.")
    state: State
    reason: str | None
    signature: str | None
    offered_at: datetime
    moved_at: datetime


class OfferPage(Document):
    """A page, newest first; `next_cursor` continues it."""

    transactions: list[OfferView]
    next_cursor: str | None


class SignedOffer(Document):
    """The offered transaction with the wallet's signature in its place, in base64."""

    transaction: Packet


class FundsBody(Document):
    """Whose funds, and how much of them."""

    wallet: Key
    amount_lamports: Lamports


class ItemWishBody(Document):
    """Whose item."""

    wallet: Key
    item_id: Name


class SessionBody(Signed):
    """What an owner lets a key do, and the Sign-In-with-Solana text by which it says so.

    The text's last resource is `counterpart:session:<sessionPubkey>:<maxVolumeLamports>:<expires at>`, in Unix seconds:
    `Issued At`, without its fraction, plus `expiresInSeconds`.
    """

    owner_pubkey: Key
    session_pubkey: Key
    max_volume_lamports: Lamports
    expires_in_seconds: Whole
    allowed_actions: list[IntentType] = Field(min_length=1, max_length=3)
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
    signature: SignatureText

    @property
    def terms(self) -> Terms:
        """What is asked for."""
        return Terms(
            owner=self.owner_pubkey,
            key=self.session_pubkey,
            max_volume_lamports=int(self.max_volume_lamports),
            expires_in_s=self.expires_in_seconds,
            allowed=frozenset(self.allowed_actions),
        )

    @property
    def signed(self) -> SignedText:
        """By which the owner says so."""
        from functions.netting.adapters.session_keys import SignedText

        return SignedText(text=self.text, signature=self.signature)


class SessionView(Document):
    """A session key; it trades while it is active and not expired."""

    id: UUID
    session_pubkey: str
    owner_pubkey: str
    allowed_actions: list[IntentType]
    max_volume_lamports: str
    used_volume_lamports: str
    expires_at: datetime
    state: Literal["requested", "registering", "active", "revoking", "revoked", "failed"]
    requested_at: datetime
    moved_at: datetime


class SessionOffer(Document):
    """A session key, and the transaction that its owner is to sign, or has signed."""

    session: SessionView
    transaction: OfferView


class SessionPage(Document):
    """A page, newest first; `next_cursor` continues it."""

    sessions: list[SessionView]
    next_cursor: str | None


def balance_view(wallet: str, row: Mapping[str, Any] | None) -> BalanceView:
    """A wallet that was never seen has nothing here."""
    locked, requested, reserved = (
        0 if row is None else int(row[f"{name}_lamports"]) for name in ("locked", "requested", "reserved")
    )
    return BalanceView(
        wallet=wallet,
        locked_lamports=str(locked),
        requested_lamports=str(requested),
        reserved_lamports=str(reserved),
        available_lamports=str(max(0, locked - requested - reserved)),
        slot=row and row["slot"],
        read_at=row and row["read_at"],
    )


def offer_view(one: WalletTransaction, now: datetime) -> OfferView:
    """An offer as its wallet sees it."""
    from kernel.solana.transactions import unsigned

    return OfferView(
        id=one.id,
        kind=one.kind,
        wallet=one.wallet,
        subject=one.subject,
        amount_lamports=None if one.amount_lamports is None else str(one.amount_lamports),
        transaction=base64.b64encode(unsigned(one.message)).decode(),
        last_valid_block_height=one.last_height,
        expires_at=one.offered_at + timedelta(seconds=OFFER_LIFE_S),
        state=one.state_at(now),
        reason=one.reason,
        signature=one.signature,
        offered_at=one.offered_at,
        moved_at=one.moved_at,
    )


def offer_page(found: Sequence[WalletTransaction], limit: int, now: datetime) -> OfferPage:
    """A page of a wallet's; another follows a full one."""
    following = _cursor(found[-1].offered_at, found[-1].id) if len(found) == limit else None
    return OfferPage(transactions=[offer_view(one, now) for one in found], next_cursor=following)


def session_view(one: SessionKey) -> SessionView:
    """A session as anybody sees it."""
    return SessionView(
        id=one.id,
        session_pubkey=one.key,
        owner_pubkey=one.owner,
        allowed_actions=[IntentType(action) for action in one.allowed_actions],
        max_volume_lamports=str(one.max_volume_lamports),
        used_volume_lamports=str(one.used_volume_lamports),
        expires_at=one.expires_at,
        state=one.state,
        requested_at=one.requested_at,
        moved_at=one.moved_at,
    )


def session_offer(found: tuple[SessionKey, WalletTransaction], now: datetime) -> SessionOffer:
    """Both as their owner sees them."""
    session, transaction = found
    return SessionOffer(session=session_view(session), transaction=offer_view(transaction, now))


def session_page(found: Sequence[SessionKey], limit: int) -> SessionPage:
    """A page of an owner's; another follows a full one."""
    following = _cursor(found[-1].requested_at, found[-1].id) if len(found) == limit else None
    return SessionPage(sessions=[session_view(one) for one in found], next_cursor=following)


def octets(packet: str) -> bytes:
    """The bytes of a transaction that a body had, written in the one way there is. Raises NotTheOffer."""
    from kernel.solana.transactions import TRANSACTION_SIZE_BYTES_MAX

    try:
        raw = base64.b64decode(packet, validate=True)
    except binascii.Error:
        raise NotTheOffer(problem="it is no base64") from None
    if len(raw) > TRANSACTION_SIZE_BYTES_MAX or base64.b64encode(raw).decode() != packet:
        raise NotTheOffer(problem="it is no transaction in base64")
    return raw


def below(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where a page goes on."""
    if cursor is None:
        return None
    moment, _, last = cursor.partition("_")
    return from_unix_us(int(moment)), UUID(last)


def _cursor(moment: datetime, last: UUID) -> str:
    return f"{unix_us(moment)}_{last}"
