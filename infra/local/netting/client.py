"""Intents and listings as a wallet's software makes them: the fields of the published form, signed by session keys.

Written from the form alone, so that what the service verifies was made by somebody else.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from infra.local.netting.wallets import Wallet
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_DIGITS, _RANDOM_BITS = 26, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An intent to be signed. signer: whose session signs it; by default the payer's, of a TRADE the seller's.

    created_at: the client's clock in Unix milliseconds.
    """

    id: str
    item_id: str
    seller: Wallet
    buyer: Wallet
    amount_lamports: int
    nonce: int
    created_at: int
    kind: str
    listing_id: str | None = None

    @property
    def owner(self) -> Wallet:
        """Whose session key it is made with."""
        return self.seller if self.kind == "TRADE" else self.buyer

    def fields(self) -> dict[str, str | int]:
        """What is signed, in the order in which it is signed."""
        told: dict[str, str | int] = {
            "id": self.id,
            "sessionPubkey": self.owner.session.address,
            "ownerPubkey": self.owner.address,
            "itemId": self.item_id,
            "from": self.seller.address,
            "to": self.buyer.address,
            "amountLamports": str(self.amount_lamports),
            "nonce": self.nonce,
            "createdAt": self.created_at,
            "intentType": self.kind,
        }
        return told if self.listing_id is None else {**told, "listingId": self.listing_id}

    def signed(
        self, *, by: LocalSolanaSigner | None = None, countersigned_by: LocalSolanaSigner | None = None
    ) -> dict[str, Any]:
        """The request's body; signed by those who should, unless others are named."""
        fields = self.fields()
        content = _compact(fields)
        body = {**fields, "signature": _signature(by or self.owner.session, content)}
        if self.kind == "TRADE":
            body["counterSessionPubkey"] = self.buyer.session.address
            body["counterSignature"] = _signature(countersigned_by or self.buyer.session, content)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a seller asks for an item until Unix milliseconds `expires_at`."""

    id: str
    item_id: str
    seller: Wallet
    price_lamports: int
    expires_at: int
    nonce: int

    def signed(self) -> dict[str, Any]:
        """The request's body."""
        fields = {
            "listingId": self.id,
            "itemId": self.item_id,
            "seller": self.seller.address,
            "priceLamports": str(self.price_lamports),
            "expiresAt": self.expires_at,
            "nonce": self.nonce,
        }
        return {**fields, "signature": _signature(self.seller.signer, _compact(fields))}


@dataclass(slots=True)
class Pen:
    """Gives ids and nonces; the same ones for the same seed."""

    random: Random
    _nonces: dict[str, int] = field(default_factory=dict)

    def ulid(self, created_at: int) -> str:
        """An id that sorts by its time."""
        number = created_at << _RANDOM_BITS | self.random.getrandbits(_RANDOM_BITS)
        return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_ULID_DIGITS)))

    def nonce(self, session: str) -> int:
        """The next number of a session."""
        self._nonces[session] = self._nonces.get(session, 0) + 1
        return self._nonces[session]


def _compact(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def _signature(signer: LocalSolanaSigner, content: bytes) -> str:
    return base58.encode(signer.sign_message(content))
