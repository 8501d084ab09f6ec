"""Owns what an owner lets a session key do: the terms, the line of the text that says them, and their limits.

The text's last resource is `counterpart:session:<key>:<max volume>:<expires at>`; the program reads that very line
(infra/contracts/netting/sessions.h), so what a wallet has shown to its owner is what the program keeps. Which actions
are allowed is between the owner and us: the program knows of none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.netting.core.intents import IntentType
from kernel import siws
from kernel.signin import moment

PREFIX: Final = "counterpart:session:"
LIFE_MIN_S: Final = 60
LIFE_MAX_S: Final = 365 * 86_400
#: What a column of the database holds.
VOLUME_MAX_LAMPORTS: Final = 2**63 - 1


class TermsUnfit(ValueError):
    """The terms of a session are out of bounds, or not what its owner signed. The words name the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked for. `expires_in_s` counts from the text's "Issued At", whole seconds."""

    owner: str
    key: str
    max_volume_lamports: int
    expires_in_s: int
    allowed: frozenset[IntentType]

    def expires_at(self, message: siws.Message) -> datetime:
        """The end of the session that the text begins."""
        return moment(message.issued_at).replace(microsecond=0) + timedelta(seconds=self.expires_in_s)

    def resource(self, expires_at: datetime) -> str:
        """The text's last resource."""
        return f"{PREFIX}{self.key}:{self.max_volume_lamports}:{int(expires_at.timestamp())}"


def agreed_end(terms: Terms, message: siws.Message, now: datetime) -> datetime:
    """When the session ends, if the text's owner agreed to just these terms. Raises TermsUnfit."""
    if not 0 < terms.max_volume_lamports <= VOLUME_MAX_LAMPORTS:
        raise TermsUnfit("maxVolumeLamports")
    if not LIFE_MIN_S <= terms.expires_in_s <= LIFE_MAX_S:
        raise TermsUnfit("expiresInSeconds")
    if not terms.allowed:
        raise TermsUnfit("allowedActions")
    if terms.key == terms.owner:
        raise TermsUnfit("sessionPubkey")
    expires_at = terms.expires_at(message)
    if expires_at <= now or expires_at > now.astimezone(UTC) + timedelta(seconds=LIFE_MAX_S + LIFE_MIN_S):
        raise TermsUnfit("expiresInSeconds")
    if _sessions_of(message.resources) != [terms.resource(expires_at)] or not message.resources[-1].startswith(PREFIX):
        raise TermsUnfit("resources")
    return expires_at


def _sessions_of(resources: Sequence[str]) -> list[str]:
    """What the text says of sessions: one line, or somebody reads another one than its owner."""
    return [resource for resource in resources if resource.startswith(PREFIX)]
