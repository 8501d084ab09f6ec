"""Owns the step from a posted intent to what its signatures are worth: all of a request's are checked in one go.

They are checked before any row is locked, so that nobody waits for arithmetic. A counter-signature whose session is not
named is tried with the newest sessions of the other party.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from functions.netting.adapters import sessions_read
from functions.netting.adapters.signatures import Claim, are_true, octets_of
from functions.netting.core.intake import Consent, Offer
from functions.netting.core.intents import SignedIntent, signed_bytes
from kernel.postgres import Postgres

if TYPE_CHECKING:
    from functions.netting.adapters.intent_views import IntentBody


@dataclass(frozen=True, slots=True)
class Posted:
    """An offer, and the bytes of its signatures."""

    offer: Offer
    signature: bytes
    counter_signature: bytes | None


def posted(postgres: Postgres, bodies: Sequence[IntentBody], now: datetime) -> list[Posted]:
    """The intents with what their signatures are worth."""
    intents = [body.signed for body in bodies]
    sessions = _sessions_to_try(postgres, bodies, intents, now)
    claims = [_claims(body, intent, sessions) for body, intent in zip(bodies, intents, strict=True)]
    truths = iter(are_true(claim for some in claims for claim in some))
    return [
        _weighed(intent, body, some, [next(truths) for _ in some])
        for intent, body, some in zip(intents, bodies, claims, strict=True)
    ]


def counter_signer(intent: SignedIntent, signature: bytes, sessions: Sequence[str]) -> str | None:
    """Which of these sessions made the counter-signature; None if none of them did."""
    message = signed_bytes(intent)
    truths = are_true(Claim(key, message, signature) for key in sessions)
    return next((key for key, is_true in zip(sessions, truths, strict=True) if is_true), None)


def _claims(body: IntentBody, intent: SignedIntent, sessions: Mapping[str, Sequence[str]]) -> list[Claim]:
    """That its session signed it; and that one of the other party's did, where a counter-signature came."""
    message = signed_bytes(intent)
    first = Claim(intent.session, message, octets_of(body.signature))
    if body.counter_signature is None:
        return [first]
    named, counter = body.counter_session_pubkey, octets_of(body.counter_signature)
    return [first, *(Claim(key, message, counter) for key in ([named] if named else sessions[intent.other_party]))]


def _weighed(intent: SignedIntent, body: IntentBody, claims: Sequence[Claim], truths: Sequence[bool]) -> Posted:
    signed = Consent.GIVEN if truths[0] else Consent.FORGED
    if body.counter_signature is None:
        return Posted(
            Offer(intent=intent, signed=signed, counter_session=body.counter_session_pubkey), claims[0].signature, None
        )
    signer = next((claim.key for claim, is_true in zip(claims[1:], truths[1:], strict=True) if is_true), None)
    countered = Consent.FORGED if signer is None else Consent.GIVEN
    offer = Offer(intent=intent, signed=signed, countered=countered, counter_session=signer)
    return Posted(offer, claims[0].signature, octets_of(body.counter_signature))


def _sessions_to_try(
    postgres: Postgres, bodies: Sequence[IntentBody], intents: Sequence[SignedIntent], now: datetime
) -> dict[str, list[str]]:
    """The sessions of all parties whose counter-signature came without its session's name."""
    owners = {
        intent.other_party
        for body, intent in zip(bodies, intents, strict=True)
        if body.counter_signature is not None and body.counter_session_pubkey is None
    }
    if not owners:
        return {}
    with postgres.transaction() as tx:
        return sessions_read.trading(tx, owners, now)
