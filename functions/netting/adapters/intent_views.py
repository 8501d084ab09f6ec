"""Owns the documents of intents and listings: their fields as they are signed, and what became of them.

Amounts are text; `createdAt` and `expiresAt` are Unix milliseconds, as they were signed; our own times are ISO 8601.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from functions.netting.adapters.stored_intents import published
from functions.netting.core.intents import IntentType, SignedIntent
from kernel.handler.http import Document

MOST_INTENTS: Final = 1_000
#: Unix milliseconds that a timestamp of the database holds: the end of the year 9999.
LAST_MS: Final = 253_402_300_799_999


#: Text in base58 that has the length of a key, or of a signature; whether it is one is a matter of each intent.
_KEY, _SIGNATURE = (rf"^[1-9A-HJ-NP-Za-km-z]{{{lengths}}}$" for lengths in ("32,44", "64,88"))
Key = Annotated[str, StringConstraints(pattern=_KEY), Field(examples=["8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"])]
SignatureText = Annotated[str, StringConstraints(pattern=_SIGNATURE), Field(description="64 bytes in base58")]
Amount = Annotated[str, StringConstraints(pattern=r"^(0|-?[1-9][0-9]{0,29})$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


def whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Field(strict=True), BeforeValidator(whole)]


class Signed(Document):
    """Fields are written in camel case, as they are signed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class IntentFields(Signed):
    """What is signed of an intent."""

    id: Annotated[str, StringConstraints(max_length=64)]
    session_pubkey: Key
    owner_pubkey: Key
    item_id: Name
    seller: Key = Field(alias="from")
    buyer: Key = Field(alias="to")
    amount_lamports: Amount
    nonce: Whole
    created_at: Whole
    intent_type: IntentType
    listing_id: Name | None = None


class IntentBody(IntentFields):
    """A signed intent. Without `counterSessionPubkey` the other party's newest sessions are tried."""

    signature: SignatureText
    counter_signature: SignatureText | None = None
    counter_session_pubkey: Key | None = None

    @property
    def signed(self) -> SignedIntent:
        """What was signed."""
        return SignedIntent(
            id=self.id,
            session=self.session_pubkey,
            owner=self.owner_pubkey,
            item_id=self.item_id,
            seller=self.seller,
            buyer=self.buyer,
            amount_lamports=int(self.amount_lamports),
            nonce=self.nonce,
            created_at=self.created_at,
            kind=self.intent_type,
            listing_id=self.listing_id,
        )


class IntentBodies(Document):
    """Several intents at once, answered one by one."""

    intents: list[IntentBody] = Field(min_length=1, max_length=MOST_INTENTS)


class CounterSignature(Signed):
    """The seller's word to a bid, over the bytes that the buyer signed."""

    counter_signature: SignatureText
    counter_session_pubkey: Key | None = None


class Outcome(Document):
    """What became of one intent that was posted: `accepted` with its present state, or `refused` with a code."""

    id: str
    outcome: Literal["accepted", "refused"]
    state: str | None
    code: str | None = Field(description="of /docs/errors.json")


class Outcomes(Document):
    """The answers, in the order of the request."""

    outcomes: list[Outcome]
    accepted: int
    refused: int


class IntentView(IntentFields):
    """An intent and what became of it."""

    signature: str
    counter_signature: str | None
    counter_session_pubkey: str | None
    state: str
    reason: str | None
    batch: str | None
    received_at: datetime


def intent_view(row: Mapping[str, Any]) -> IntentView:
    """An intent as anybody sees it."""
    fields = {"counterSignature": None, "counterSessionPubkey": None, **published(row)}
    batch = None if row["batch"] is None else str(row["batch"])
    return IntentView(**fields, state=row["state"], reason=row["reason"], batch=batch, received_at=row["received_at"])
