"""Owns what an owner lets a session key do: the terms, the line of the text that says them, and their limits.

The text's last resource is `counterpart:session:<key>:<max volume>:<expires at>`; the program reads that very line
(infra/contracts/netting/sessions.h), so what a wallet has shown to its owner is what the program keeps. Which actions
are allowed is between the owner and us: the program knows of none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.netting.core.intents import IntentType

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

    def expires_at(self, issued_at: datetime) -> datetime:
        """The end of the session that a text of that moment begins."""
        return issued_at.replace(microsecond=0) + timedelta(seconds=self.expires_in_s)

    def resource(self, expires_at: datetime) -> str:
        """The text's last resource."""
        return f"{PREFIX}{self.key}:{self.max_volume_lamports}:{int(expires_at.timestamp())}"


def agreed_end(terms: Terms, issued_at: datetime, resources: Sequence[str], now: datetime) -> datetime:
    """When the session ends, if the text's owner agreed to just these terms. Raises TermsUnfit."""
    expires_at = terms.expires_at(issued_at)
    fit = {
        "maxVolumeLamports": 0 < terms.max_volume_lamports <= VOLUME_MAX_LAMPORTS,
        "expiresInSeconds": LIFE_MIN_S <= terms.expires_in_s <= LIFE_MAX_S and expires_at > now,
        "allowedActions": bool(terms.allowed),
        "sessionPubkey": terms.key != terms.owner,
        "resources": _says(resources, terms.resource(expires_at)),
    }
    for field, is_fit in fit.items():
        if not is_fit:
            raise TermsUnfit(field)
    return expires_at


def _says(resources: Sequence[str], line: str) -> bool:
    """Whether a text says this of a session in its last line, and nothing else of any."""
    return [one for one in resources if one.startswith(PREFIX)] == [line] and resources[-1] == line
