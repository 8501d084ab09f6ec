"""Session keys: what an owner lets another key do, from the signed text to the program's account, and back.

*Requested* by a Sign-In-with-Solana text whose last resource says the terms. It is read strictly; domain, cluster,
address, nonce and times are checked, then the signature, then the terms, and only then is the nonce spent: a stranger
who saw a text cannot burn its nonce, and of two copies of a text one is refused.

*Registered* by the owner's own transaction, in which the program reads that very text. So our word is not needed, and
not enough: a key trades once its registration is final. *Revoked* likewise; but it stops trading as soon as its owner
has signed the revocation, whatever becomes of that transaction: who does not want it any more need not wait for a
block. What the owner signed is pinned when it is handed back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting.adapters.wallet_calls import WalletCalls
from functions.netting.adapters.wallet_refusals import (
    NotTheOffer,
    OfferExpired,
    SessionKeyEnded,
    SessionKeyTaken,
    SessionKeyUnknown,
    SessionTermsUnfit,
    SessionTextTooLong,
    TooManySessions,
)
from functions.netting.adapters.wallet_transactions import Offer, WalletTransaction, WalletTransactions, Wish
from functions.netting.core.session_terms import Terms, TermsUnfit, agreed_end
from functions.netting.core.wallet_transaction import Kind, State
from kernel import base58, siws
from kernel.auth.nonces import Nonces
from kernel.auth.wallets import verify_solana
from kernel.clock import Clock
from kernel.ids import new_id
from kernel.pinning import Kept, Pinning
from kernel.postgres import Postgres, Queries, Transaction
from kernel.signin import Expected, moment
from kernel.solana.transactions import TransactionTooLarge

Q: Final = Queries.load(Path(__file__).with_name("session_keys.sql"))
#: What nonces of these texts are for; a sign-in's nonce is none of them.
NONCE_PURPOSE: Final = "netting.session"
SESSIONS_MAX: Final = 50
#: Where a revocation stands: in use, or signed away already and on its way once more.
_REVOCABLE: Final = ("active", "revoking")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """A row of netting.session_keys."""

    id: UUID
    key: str
    owner: str
    allowed_actions: tuple[str, ...]
    max_volume_lamports: int
    used_volume_lamports: int
    expires_at: datetime
    state: str
    requested_at: datetime
    moved_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "SessionKey":
        """From the row."""
        fields = {name: row[name] for name in cls.__slots__}
        return cls(**fields | {"allowed_actions": tuple(row["allowed_actions"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedText:
    """What a wallet has shown its owner, and the signature over it, in base58."""

    text: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose domain the text names, and on which cluster."""

    domain: str
    cluster: str


class SessionKeys:
    """The table netting.session_keys, as its owners move it."""

    def __init__(
        self,
        postgres: Postgres,
        transactions: WalletTransactions,
        calls: WalletCalls,
        nonces: Nonces,
        pinning: Pinning,
        clock: Clock,
        place: Place,
    ) -> None:
        self._postgres, self._transactions, self._calls = postgres, transactions, calls
        self._nonces, self._pinning, self._clock, self._place = nonces, pinning, clock, place

    def nonce(self) -> str:
        """For one text, within five minutes."""
        return self._nonces.issue(NONCE_PURPOSE)

    def create(self, terms: Terms, signed: SignedText) -> tuple[SessionKey, WalletTransaction]:
        """The session that its owner's text asks for, and the transaction that registers it.

        Raises SignInUnreadable, the SignInRefused that applies, WalletSignatureRefused, SessionTermsUnfit,
        SessionTextTooLong, TransactionWouldFail, NonceSpent, TooManySessions, SessionKeyTaken.
        """
        message = self._read(terms, signed)
        expires_at = self._agreed(terms, message)
        offer = self._drawn(terms, expires_at, signed)
        self._nonces.spend(message.nonce, NONCE_PURPOSE)
        with self._postgres.transaction() as tx:
            # Transactions before sessions: whoever ends one locks them in this order.
            self._transactions.supersede(tx, Kind.REGISTER, terms.key)
            session = self._request(tx, terms, expires_at, signed)
            offered = self._transactions.offer(tx, offer)
            if offered is None:
                raise OfferExpired
        return session, offered

    def revocation(self, session_id: UUID) -> tuple[SessionKey, WalletTransaction]:
        """The transaction that revokes a session. Raises SessionKeyUnknown, SessionKeyEnded, TransactionWouldFail."""
        session = self.session(session_id)
        if session.state not in _REVOCABLE:
            raise SessionKeyEnded
        wish = Wish(
            kind=Kind.REVOKE,
            wallet=session.owner,
            subject=session.key,
            instructions=self._calls.revoke_session_key(session.owner, session.key),
        )
        offer = self._transactions.drawn(wish)
        with self._postgres.transaction() as tx:
            offered = self._transactions.offer(tx, offer)
        if offered is None:
            raise OfferExpired
        return session, offered

    def confirm(self, session_id: UUID, kind: Kind, raw: bytes) -> tuple[SessionKey, WalletTransaction]:
        """Bring what the owner has signed onto the cluster; again changes nothing.

        Raises SessionKeyUnknown, NotTheOffer, WalletSignatureRefused, OfferExpired, SessionKeyEnded, ServiceHalted.
        """
        session, signed = self.session(session_id), self._transactions.handed_back(raw)
        if (signed.transaction.kind, signed.transaction.subject) != (kind, session.key):
            raise NotTheOffer(problem="it was offered for something else")
        kept = self._kept(session_id) if kind is Kind.REGISTER else None
        with self._postgres.transaction() as tx:
            transaction = self._transactions.lock(tx, signed)
            row = tx.maybe(Q["lock_session"], id=session_id)
            if row is None:
                raise SessionKeyUnknown
            if transaction.state is State.OFFERED:
                self._sign_away(tx, SessionKey.from_row(row), kind)
                transaction = self._transactions.send(tx, signed)
                if kept is not None:
                    self._pinning.record(tx, f"netting:session:{session_id}", kept)
            return SessionKey.from_row(tx.one(Q["session"], id=session_id)), transaction

    def ended(self, tx: Transaction, transaction: WalletTransaction) -> None:
        """What follows from the end of a registration or a revocation. A revocation that failed stays signed."""
        settled = transaction.state is State.SETTLED
        if transaction.kind is Kind.REGISTER:
            self._move(tx, transaction, "active" if settled else "failed", ["registering"])
        elif transaction.kind is Kind.REVOKE and settled:
            self._move(tx, transaction, "revoked", [*_REVOCABLE])

    def session(self, session_id: UUID) -> SessionKey:
        """One as it stands. Raises SessionKeyUnknown."""
        return SessionKey.from_row(self._row(session_id))

    def page(self, owner: str, *, limit: int, below: tuple[datetime, UUID] | None) -> list[SessionKey]:
        """An owner's, newest first."""
        below_at, below_id = below or (None, None)
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["sessions_page"], owner=owner, limit=limit, below_at=below_at, below_id=below_id)
        return [SessionKey.from_row(row) for row in rows]

    def _read(self, terms: Terms, signed: SignedText) -> siws.Message:
        message = siws.parse(signed.text)
        expected = Expected(
            domain=self._place.domain,
            chain_ids=[self._place.cluster],
            nonce=message.nonce,  # whether it is one of ours the table says, at the end and once for good
            now=self._clock.now(),
            address=terms.owner,
        )
        siws.validate(message, expected)
        verify_solana(signed.text, signed.signature, terms.owner)
        return message

    def _agreed(self, terms: Terms, message: siws.Message) -> datetime:
        try:
            return agreed_end(terms, moment(message.issued_at), message.resources, self._clock.now())
        except TermsUnfit as unfit:
            raise SessionTermsUnfit(field=str(unfit)) from unfit

    def _drawn(self, terms: Terms, expires_at: datetime, signed: SignedText) -> Offer:
        text, signature = signed.text.encode(), base58.decode(signed.signature)
        instructions = self._calls.register_session_key(terms, int(expires_at.timestamp()), text, signature)
        wish = Wish(kind=Kind.REGISTER, wallet=terms.owner, subject=terms.key, instructions=instructions)
        try:
            return self._transactions.drawn(wish)
        except TransactionTooLarge as large:
            raise SessionTextTooLong(bytes=large.details["bytes"]) from large

    def _request(self, tx: Transaction, terms: Terms, expires_at: datetime, signed: SignedText) -> SessionKey:
        now = self._clock.now()
        if tx.one(Q["open_sessions"], owner=terms.owner, now=now)["open"] >= SESSIONS_MAX:
            raise TooManySessions
        row = tx.maybe(
            Q["request_session"],
            key=terms.key,
            id=new_id(),
            owner=terms.owner,
            allowed_actions=sorted(terms.allowed),
            max_volume_lamports=terms.max_volume_lamports,
            expires_at=expires_at,
            text=signed.text,
            signature=base58.decode(signed.signature),
            now=now,
        )
        if row is None:
            raise SessionKeyTaken
        return SessionKey.from_row(row)

    def _sign_away(self, tx: Transaction, session: SessionKey, kind: Kind) -> None:
        """The owner's signature is here: the session goes on, or trades no more from this commit on."""
        before = ("requested",) if kind is Kind.REGISTER else _REVOCABLE
        if session.state not in before:
            raise SessionKeyEnded
        state = "registering" if kind is Kind.REGISTER else "revoking"
        moved = {"key": session.key, "owner": session.owner, "state": state, "before": [*before]}
        tx.execute(Q["move_session"], now=self._clock.now(), **moved)

    def _move(self, tx: Transaction, transaction: WalletTransaction, state: str, before: list[str]) -> None:
        moved = {"key": transaction.subject, "owner": transaction.wallet, "state": state, "before": before}
        tx.execute(Q["move_session"], now=self._clock.now(), **moved)

    def _kept(self, session_id: UUID) -> Kept:
        """What anybody can check a session by, in the bucket: the terms, and what their owner signed."""
        row = self._row(session_id)
        content = {
            "sessionPubkey": row["key"],
            "ownerPubkey": row["owner"],
            "allowedActions": row["allowed_actions"],
            "maxVolumeLamports": str(row["max_volume_lamports"]),
            "expiresAt": row["expires_at"].isoformat(),
            "text": row["text"],
            "signature": base58.encode(bytes(row["signature"])),
            "version": "1.0",
        }
        plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return self._pinning.keep(plain, media_type="application/json")

    def _row(self, session_id: UUID) -> Mapping[str, Any]:
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["session"], id=session_id)
        if row is None:
            raise SessionKeyUnknown
        return row
